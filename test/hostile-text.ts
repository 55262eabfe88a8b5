// Hostile text, and a check for whether it could still do harm in an output.
import fc from 'fast-check';

/** Characters that control a terminal, hide or reverse text, break a line, or are half a character. */
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Newlines, terminal escapes of both lengths, a title, a link, bidirectional overrides, HTML, shell, a log line, a secret. */
export const hostileText = [
  'first\nsecond\r\nthird\u2028fourth',
  '\u001b[2J\u001b[31mred\u009b31m\u001b]0;title\u0007\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007',
  '\u202Eesrever\u202C \u2066isolated\u2069 zero\u200Bwidth\uFEFF \u061C',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '"; rm -rf / #$(reboot)`reboot`\'',
  '{"level":"fatal","msg":"forged"}',
  'nul\u0000 bell\u0007 back\b\b\b half\ud800',
  '../../..%2f..%2F%00',
].join(' ');

/** At least a megabyte of it. */
export const megabyteOfHostileText = `${hostileText} `.repeat(Math.ceil(1_000_000 / hostileText.length));

export const anyHostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(hostileText, ...hostileText.split(' '), '') },
  { weight: 8, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constant(megabyteOfHostileText) },
);

/** Every harmful string in the value, with its path. */
export function findHarmfulText(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return harmful.test(value) ? [`${path}: ${JSON.stringify(value.slice(0, 200))}`] : [];
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([name, each]) => [
    ...findHarmfulText(name, `${path} (a name)`),
    ...findHarmfulText(each, `${path}.${name}`),
  ]);
}
