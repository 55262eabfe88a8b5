// Prints what a verb has found as a table, as JSON or YAML, or as names.
import util from 'node:util'; // not { styleText }: a Node without it would fail here, before node-version.ts refuses it
import { oneLine, toJson, toYaml } from './safe-text.ts';
import type { Session } from './session.ts';

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

export interface Column<T> {
  readonly heading: string;
  /** An empty text is shown as kubectl shows it: `<none>`. */
  cell(row: T): string | undefined;
  style?(row: T): Style | undefined;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
  /** The part of the text that does not change as time passes; default: all of it. */
  timeless?(row: T): string | undefined;
}

export interface Listing<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** What JSON and YAML show; default: the rows. */
  readonly data?: unknown;
  /** What `-o name` prints, one a line. */
  readonly names: readonly string[];
  /** Told on stderr when a table has no row. */
  readonly nothing: string;
}

export function printListing<T>(session: Session, format: OutputFormat, listing: Listing<T>): void {
  const { rows, columns, data = rows, names, nothing } = listing;
  if (format === 'json' || format === 'yaml') printData(session, format, data);
  else if (format === 'name') printLines(session, names.map(oneLine));
  else if (rows.length === 0) session.stderr.write(`${nothing}\n`);
  else printLines(session, tableLines(rows, shownColumns(columns, format), session));
}

export function printData(session: Session, format: 'json' | 'yaml', data: unknown): void {
  session.stdout.write(format === 'json' ? `${toJson(data)}\n` : toYaml(data));
}

export function printLines(session: Session, lines: readonly string[]): void {
  session.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

export function shownColumns<T>(columns: readonly Column<T>[], format: OutputFormat): Column<T>[] {
  return columns.filter(({ wide }) => !wide || format === 'wide');
}

/** The heading and one line for each row. */
export function tableLines<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  session: Pick<Session, 'stdout'>,
): string[] {
  return createTable(columns, session).lines(rows);
}

export interface Table<T> {
  /** The lines of the rows, the heading before the first ones. Columns stay as wide as they have been. */
  lines(rows: readonly T[]): string[];
}

interface Cell {
  readonly text: string;
  readonly style: Style | undefined;
}

/** Blanks between columns, as kubectl has them. */
const gap = 3;

/** @param maxChars Of a line; the rest is cut. */
export function createTable<T>(
  columns: readonly Column<T>[],
  session: Pick<Session, 'stdout'>,
  maxChars = Number.POSITIVE_INFINITY,
): Table<T> {
  const headings: readonly Cell[] = columns.map(({ heading }) => ({ text: heading, style: undefined }));
  const widths = headings.map(({ text }) => text.length);
  let hasHeading = false;
  const line = (cells: readonly Cell[]) => {
    let left = maxChars;
    return cells
      .map(({ text, style }, n) => {
        const padded = n < cells.length - 1 ? text.padEnd((widths[n] ?? 0) + gap) : text;
        const shown = padded.slice(0, left);
        left -= shown.length;
        // Blanks stay without style, and no escape sequence is cut.
        return `${styled(session, style, shown.trimEnd())}${shown.slice(shown.trimEnd().length)}`;
      })
      .join('');
  };
  return {
    lines(rows) {
      const grid = rows.map((row) => columns.map((column) => cellOf(row, column)));
      for (const cells of grid)
        for (const [n, { text }] of cells.entries()) widths[n] = Math.max(widths[n] ?? 0, text.length);
      const all = hasHeading ? grid : [headings, ...grid];
      hasHeading = true;
      return all.map(line);
    },
  };
}

function cellOf<T>(row: T, column: Column<T>): Cell {
  return { text: oneLine(column.cell(row) ?? '') || '<none>', style: column.style?.(row) };
}

/** Styled if the output is a terminal with colours, and NO_COLOR is not set. */
export function styled({ stdout }: Pick<Session, 'stdout'>, style: Style | undefined, text: string): string {
  return style && text !== '' && isStream(stdout) ? util.styleText(style, text, { stream: stdout }) : text;
}

function isStream(output: object): output is NodeJS.WriteStream {
  return 'on' in output;
}
