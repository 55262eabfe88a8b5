// Reads from a response how long to wait before the next request (Retry-After).
import { clamp } from '../lib/clamp.ts';

/** For a 429 without a Retry-After. */
export const defaultRetryAfterMs = 10_000;
const minRetryAfterMs = 1_000;
/** For dates, lists of numbers, and responses other than 429. */
export const maxVagueRetryAfterMs = 3_600_000;
/** For one number of seconds in a 429. */
const maxRetryAfterMs = 24 * 3_600_000;
const isSeconds = /^\d+(\.\d+)?$/;
const isHttpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Returns the ms to wait, or undefined without a valid Retry-After. One number of seconds counts up to 24 h. A date, measured
 * against the response's own Date so that our clock does not matter, or the longest of several numbers, counts up to 1 h.
 */
export function retryAfterIn(header: (name: string) => string | undefined): number | undefined {
  const value = header('retry-after')?.trim() ?? '';
  if (isSeconds.test(value)) return clamp(Math.ceil(Number(value) * 1_000), minRetryAfterMs, maxRetryAfterMs);
  const numbers = value.split(',').map((part) => part.trim());
  const ms = numbers.every((part) => isSeconds.test(part))
    ? Math.max(...numbers.map(Number)) * 1_000
    : isHttpDate.test(value)
      ? Date.parse(value) - Date.parse(header('date') ?? '')
      : Number.NaN;
  return Number.isNaN(ms) ? undefined : clamp(Math.ceil(ms), minRetryAfterMs, maxVagueRetryAfterMs);
}
