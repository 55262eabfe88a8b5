// Reads whatever was thrown: ARM's answer, where there was one, and words. Pure and total.
import { sanitize } from '../lib/sanitize.ts';

/** Characters of words that are shown: a message of ARM may be a megabyte. */
const mostWords = 1_024;

/** Characters of words that are read for what they name: a list of regions has a thousand. */
const maxTextLength = 8_192;

/** An answer of ARM, whatever it looks like. */
export interface Answer {
  readonly status: number;
  readonly code: string;
  /** ARM's own words, fit to be shown. */
  readonly words: string;
  /** More of them, to be read and not to be shown. */
  readonly text: string;
  readonly header: (name: string) => string | undefined;
  /** Whether the body is ARM's error envelope. Every refusal of ARM has one (all recordings); a proxy's page has not. */
  readonly fromArm: boolean;
}

/** Undefined: it is none. Reads the SDK's RestError by its shape, since a bundle or a second copy of the package would defeat instanceof. */
export function responseOf(error: unknown): Answer | undefined {
  const rest = members(error);
  if (typeof rest?.statusCode !== 'number' || !Number.isInteger(rest.statusCode)) return undefined;
  const response = members(rest.response);
  const told = envelopeIn(response?.bodyAsText);
  const message = told?.message ?? pageIn(response?.bodyAsText) ?? textOf(rest.message) ?? '';
  const status = rest.statusCode;
  // A 2xx that failed later is an answer that could not be read, not a refusal.
  if (status < 300) return undefined;
  return {
    status,
    code: sanitize(told?.code ?? textOf(rest.code) ?? '', 128),
    words: sanitize(message, mostWords),
    text: sanitize(message, maxTextLength),
    // Without an answer, the refusal is our own.
    fromArm: !response || told !== undefined,
    header: (name) => {
      const headers = members(response?.headers);
      const value = typeof headers?.get === 'function' ? headers.get.call(headers, name) : undefined;
      return typeof value === 'string' ? value : undefined;
    },
  };
}

/** ARM's envelope `{"error":{"code","message",…}}`; undefined where the body is none. */
function envelopeIn(body: unknown): { code: string; message?: string } | undefined {
  try {
    const error = members(members(JSON.parse(textOf(body) ?? ''))?.error);
    const code = textOf(error?.code);
    const message = textOf(error?.message);
    return code ? { code, ...(message !== undefined && { message }) } : undefined;
  } catch {
    return undefined;
  }
}

/** The words of a page that a proxy sends instead. */
function pageIn(body: unknown): string | undefined {
  return textOf(body)
    ?.slice(0, 4 * mostWords)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Fit to be shown; never empty. */
export function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : textOf(error);
  return sanitize(message || codeOf(error) || 'no reason given', mostWords);
}

/** Such as ECONNREFUSED; empty where it has none. */
export function codeOf(error: unknown): string {
  return sanitize(textOf(members(error)?.code) ?? '', 128);
}

function members(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
