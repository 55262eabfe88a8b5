// Writes text from the cluster and from Azure so that a terminal shows it and does not obey it. Pure.
import { dump } from 'js-yaml';
import { sanitize } from '../lib/sanitize.ts';

const maxLineChars = 1_000;

/** One line without control characters. */
export function oneLine(text: string): string {
  return sanitize(text, maxLineChars);
}

/** Characters that control a terminal, or hide or reverse text; a line break in a text is none of them. */
const harmful = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** JSON with every harmful character escaped, so that a terminal shows it as it is. */
export function toJson(data: unknown): string {
  return JSON.stringify(data, undefined, 2).replace(harmful, (char) => codeUnits(char, '\\u'));
}

/** The same for YAML. */
export function toYaml(data: unknown): string {
  // js-yaml escapes control characters only, and quotes a text for them: every harmful character is told by one and its code.
  const marked: unknown = JSON.parse(JSON.stringify(data), (_, value: unknown) => mark(value));
  return dump(marked, { noRefs: true, lineWidth: -1 }).replace(/\\x01([0-9a-f]{4})/g, '\\u$1');
}

/** Also the backslash of a text that reads as the mark itself. */
const toMark = new RegExp(`${harmful.source}|\\\\(?=x01)`, 'gu');

function mark(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(toMark, (char) => codeUnits(char, '\u0001'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [mark(name), each]));
}

function codeUnits(char: string, prefix: string): string {
  const codes = Array.from({ length: char.length }, (_, n) => char.charCodeAt(n));
  return codes.map((code) => `${prefix}${code.toString(16).padStart(4, '0')}`).join('');
}
