// Shows figures: as a table for the terminal, and in docs/performance.md.
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { tableOf, withTables } from '../../scripts/generated.ts';
import type { Figure } from './scenario.ts';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly node: string;
  /** Processes that wanted to run in the minute before. */
  readonly load: number;
}

export interface Measured {
  readonly scenario: string;
  readonly machine: Machine;
  readonly figures: readonly Figure[];
}

const page = new URL('../../docs/performance.md', import.meta.url);

export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpus()[0]?.model}`,
    node: process.version,
    load: Number(loadavg()[0]?.toFixed(1)),
  };
}

/** One figure a line, with its bound. */
export function tableFor({ figures }: Measured): string {
  const width = Math.max(...figures.map(({ what }) => what.length));
  return figures.map((figure) => `  ${figure.what.padEnd(width)}  ${cells(figure).join('  ')}`.trimEnd()).join('\n');
}

/** Replaces the scenario's table in docs/performance.md. Rejects if the page has no place for it. */
export async function savePage(measured: Measured): Promise<void> {
  await writeFile(page, withTables(await readFile(page, 'utf8'), { [measured.scenario]: () => markdown(measured) }));
}

export function markdown({ figures, machine: { date, cpu, node, load } }: Measured): string {
  const rows = figures.map((figure) => [figure.what, ...cells(figure)]);
  return `${tableOf(['figure', 'measured', 'bound'], rows)}\n\n${date}, ${cpu}, Node.js ${node}, load ${load} at the start.`;
}

/** `12.3 ms` and `at most 20 ms`, marked where it is exceeded. */
function cells({ value, unit, atMost }: Figure): [string, string] {
  const isOver = atMost !== undefined && value > atMost;
  return [
    inUnit(value, unit),
    atMost === undefined ? '' : `at most ${inUnit(atMost, unit)}${isOver ? ': exceeded' : ''}`,
  ];
}

function inUnit(value: number, unit: Figure['unit']): string {
  const digits = unit === 'times' ? 3 : Number.isInteger(value) ? 0 : value < 10 ? 2 : 1;
  return `${value.toFixed(digits)} ${unit}`;
}
