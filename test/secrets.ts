// Finds in logs what an operator must not log: its own secrets, tokens of any kind, and signatures of Azure's URLs.
import type { Operator } from './operator.ts';

/** Tokens in a header, tokens by their form (every JWT begins so), and the signatures of ARM's and storage's URLs. */
const anySecret = /Bearer [^[]|\beyJ[\w-]{8}|[?&](t|c|s|h|sig)=|\bMII[\w-]{32}/;

/** The lines with one of the known secrets, or with any other one. */
export function linesWithSecrets(lines: readonly string[], known: readonly string[]): string[] {
  return lines.filter((line) => anySecret.test(line) || known.some((secret) => line.includes(secret)));
}

/** Everything that the operator has written. */
export function linesOf({ log, otherOutput }: Operator): string[] {
  return [...log.map((line) => JSON.stringify(line)), ...otherOutput];
}
