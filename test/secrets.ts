// What no log of an operator may hold: its own secrets, tokens of any kind, and the signatures of Azure's URLs.
import type { Operator } from './operator.ts';

/** Tokens as they are sent, and as they look (every JWT begins so); ARM's signed tails, and those of storage. */
const anySecret = /Bearer [^[]|\beyJ[\w-]{8}|[?&](t|c|s|h|sig)=|\bMII[\w-]{32}/;

/** The lines that hold a secret: one of any kind, or one of these. */
export function linesWithSecrets(lines: readonly string[], known: readonly string[]): string[] {
  return lines.filter((line) => anySecret.test(line) || known.some((secret) => line.includes(secret)));
}

/** All that the operator has written. */
export function linesOf({ log, noise }: Operator): string[] {
  return [...log.map((line) => JSON.stringify(line)), ...noise];
}
