// Makes foreign text (ARM, Entra, the API server, the network) fit for a status, an event or a log:
// one line, bounded, without secrets, and the same each time the same thing happens.

import { redact } from './redact.ts';

/** Far more than is ever shown; bounds the work for a megabyte of message. */
const readAtMost = 16_384;

/** A name, a key or an id, which most strings of a log line are: nothing of it could be replaced, except a token (eyJ). */
const plain = /^(?!.*eyJ)[\w./-]*$/;

/**
 * One line of at most `limit` characters. Control and format characters (newlines, terminal escapes, bidirectional overrides) become
 * blanks; the query of every URL goes, since ARM signs its operation URLs there; so do secrets (redact.ts);
 * so do the trace ids and times that Entra adds and ARM's countdown, which differ at each attempt and would make a steady failure flicker.
 */
export function sanitize(text: string, limit: number): string {
  if (text.length <= limit && plain.test(text)) return text;
  const lines = text
    .slice(0, readAtMost)
    .toWellFormed()
    .replace(/[\n\p{Zl}\p{Zp}]+/gu, '\n')
    .replace(/[^\S\n]+|(?!\n)[\p{Cc}\p{Cf}]+/gu, ' ');
  const line = redact(lines)
    .replace(/\s+/g, ' ')
    .replace(/(https?:\/\/[^\s?#'"<>]{1,512})[?#][^\s'"<>]*/gi, '$1')
    .replace(
      / ?-? ?\b(Trace ID|Correlation ID|Timestamp): ([\d-]{10}[ T][\d:]{8}(?:\.\d+)?Z?|[0-9a-f-]{8,}|Not Available)[,.]?/gi,
      '',
    )
    .replace(/ ?Please try again after '?\d+'? seconds?\.?/gi, '')
    .trim();
  return truncate(line, limit);
}

/** The message of an error, unchanged. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Of an error of `readFile`, without the path, which Node adds to some of its messages only. */
export function readErrorMessage(thrown: unknown): string {
  return errorMessage(thrown).replace(/, open '.*'$/s, '');
}

/** At most `limit` characters, with an ellipsis if truncated. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A cut inside a surrogate pair would leave half a character.
  const kept = text.slice(0, Math.max(0, limit - 1)).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}…`.slice(0, limit);
}
