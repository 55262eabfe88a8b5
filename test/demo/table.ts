// Renders the objects and their regions as a table that fits a terminal.
import { styleText } from 'node:util';
import { styleOfState } from '../../src/cli/replica-rows.ts';
import type { NodeView, RegionView, View } from './view.ts';

type Style = Parameters<typeof styleText>[0];

export interface Size {
  /** Characters per line. */
  readonly columns: number;
  /** The maximal number of lines. */
  readonly rows: number;
}

interface Cell {
  readonly text: string;
  readonly style?: Style;
}

const headings: readonly Cell[] = ['REGION', 'STATE', 'FOR', 'AZURE SAYS', 'ROUTING', 'WHY'].map((text) => ({
  text,
  style: 'dim',
}));

/** Coloured lines that fit the space. `now` in ms since the epoch. */
export function tableOf(
  views: readonly View[],
  now: number,
  { columns, rows }: Size,
  nodes: readonly NodeView[] = [],
): string[] {
  const lines = [...nodesLine(nodes, columns), ...views.flatMap((view) => block(view, now, columns))];
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), truncate(`… and ${lines.length - rows + 1} more lines`, columns)];
}

function nodesLine(nodes: readonly NodeView[], columns: number): string[] {
  if (nodes.length === 0) return [];
  const text = `Nodes: ${nodes.map(({ name, region }) => `${name} in ${region}`).join(', ')}`;
  return ['', styled('bold', truncate(text, columns))];
}

function block(view: View, now: number, columns: number): string[] {
  const { name, registry, phase, readyRegions, message, regions } = view;
  const progress = readyRegions && ` ${readyRegions}`;
  const isFollowing = regions.some(({ need }) => need !== '');
  const grid = [headings, ...regions.map((region) => cellsOf(region, now))].map((cells) =>
    isFollowing ? cells : cells.slice(0, -1),
  );
  const widths = headings.map((_, column) => Math.max(...grid.map((cells) => cells[column]?.text.length ?? 0)));
  const remarks = regions.flatMap((region) => (region.message ? [`${region.location}: ${region.message}`] : []));
  return [
    '',
    styled('bold', truncate(`${name}  (registry ${registry})  ${phase}${progress}`, columns)),
    ...(regions.length > 0 ? grid.map((cells) => row(cells, widths, columns)) : []),
    ...(remarks.length > 0 ? remarks : [message])
      .filter(Boolean)
      .map((text) => styled('dim', truncate(`  ${text}`, columns))),
  ];
}

function cellsOf({ location, home, desired, state, azure, routing, need, since }: RegionView, now: number): Cell[] {
  const note = home ? ' (home)' : desired ? '' : ' (not listed)';
  const age = since === undefined ? '' : `${Math.max(0, Math.round((now - since) / 1000))}s`;
  return [
    { text: location + note },
    { text: state, style: styleOfState(state) },
    { text: age },
    { text: azure },
    { text: routing },
    { text: need },
  ];
}

/** Styles are applied after truncation, so that no escape sequence is cut. */
function row(cells: readonly Cell[], widths: readonly number[], columns: number): string {
  let left = columns;
  return cells
    .map(({ text, style }, column) => {
      const shown = `${column === 0 ? '  ' : ''}${text.padEnd(widths[column] ?? 0)}  `.slice(0, left);
      left -= shown.length;
      return style ? styled(style, shown) : shown;
    })
    .join('');
}

function truncate(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
}

/** Always styled: the caller has decided that the terminal supports colours. */
function styled(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}
