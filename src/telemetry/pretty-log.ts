// Formats a log line for reading: time, level, subject, message, then the other fields. Terminal control is removed already.

interface Entry {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** @param line one of the logger's JSON lines @returns one readable line */
export function prettyLine(line: string): string {
  const { time, level, msg = '', object, ...fields } = JSON.parse(line) as Entry;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return `${[time, level.toUpperCase().padEnd(5), ...(object ? [`[${object}]`] : []), msg, ...rest].join(' ')}\n`;
}

/** Quoted only if it would be ambiguous otherwise. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
