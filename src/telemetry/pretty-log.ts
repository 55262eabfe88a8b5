// A log line for people: when, how bad, about what, the sentence, and the rest behind it. What steers a terminal is gone already.

interface Entry {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** @param line One of the logger's JSON lines. @returns One line for people. */
export function prettyLine(line: string): string {
  const { time, level, msg = '', object, ...fields } = JSON.parse(line) as Entry;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return `${[time, level.toUpperCase().padEnd(5), ...(object ? [`[${object}]`] : []), msg, ...rest].join(' ')}\n`;
}

/** Quoted only where it would not be told from what comes next. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
