// Reads ARM's answer and a description from anything that was thrown. Pure and total.
import type { HttpHeaders, PipelineRequest } from '@azure/core-rest-pipeline';
import { sanitize } from '../lib/sanitize.ts';

/** Characters shown: a message of ARM may have a megabyte. */
const maxWordsLength = 1_024;

/** Characters parsed: a list of regions has a thousand. */
const maxTextLength = 8_192;

/** The code of an error for which a proxy, named in the message, is the cause. */
export const proxyErrorCode = 'ERR_PROXY';

/** An error response. */
export interface Answer {
  readonly status: number;
  readonly code: string;
  /** ARM's message, sanitized and truncated for display. */
  readonly words: string;
  /** More of the message, for parsing. */
  readonly text: string;
  readonly header: (name: string) => string | undefined;
  /** True if the body is ARM's error envelope. Every refusal of ARM has one (all recordings); a proxy's page does not. */
  readonly fromArm: boolean;
}

/** Undefined if there was no response. Reads the SDK's RestError by its shape: instanceof fails with a second copy of the package. */
export function responseOf(error: unknown): Answer | undefined {
  const rest = members(error);
  if (typeof rest?.statusCode !== 'number' || !Number.isInteger(rest.statusCode)) return undefined;
  const response = members(rest.response);
  const told = envelopeIn(response?.bodyAsText);
  const message = told?.message ?? pageIn(response?.bodyAsText) ?? textOf(rest.message) ?? '';
  const status = rest.statusCode;
  // A 2xx that failed later could not be parsed: it is no refusal.
  if (status < 300) return undefined;
  return {
    status,
    code: sanitize(told?.code ?? textOf(rest.code) ?? '', 128),
    words: sanitize(message, maxWordsLength),
    text: sanitize(message, maxTextLength),
    // Without a response, the refusal is our own.
    fromArm: !response || told !== undefined,
    header: (name) => responseHeader(response, name),
  };
}

/** ARM's envelope `{"error":{"code","message",…}}`; undefined for any other body. */
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

/** The text of a proxy's HTML page. */
function pageIn(body: unknown): string | undefined {
  return textOf(body)
    ?.slice(0, 4 * maxWordsLength)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** For display; never empty. */
export function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : textOf(error);
  return sanitize(message || codeOf(error) || 'no reason given', maxWordsLength);
}

/** Such as ECONNREFUSED; empty if there is none. */
export function codeOf(error: unknown): string {
  return sanitize(textOf(members(error)?.code) ?? '', 128);
}

function members(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** ARM's id of the request, or the one we sent if there was no response. */
export function correlationIdOf({
  headers,
  request,
}: {
  readonly headers?: Pick<HttpHeaders, 'get'>;
  readonly request: Pick<PipelineRequest, 'requestId'>;
}): string {
  return headers?.get('x-ms-correlation-request-id') ?? request.requestId;
}

/** The id of the request that failed with this error; undefined if none was sent. */
export function correlationIdIn(error: unknown): string | undefined {
  const { response, request } = members(error) ?? {};
  const id = responseHeader(response, 'x-ms-correlation-request-id') ?? textOf(members(request)?.requestId);
  return id === undefined ? undefined : sanitize(id, 64);
}

function responseHeader(response: unknown, name: string): string | undefined {
  const headers = members(members(response)?.headers);
  return typeof headers?.get === 'function' ? textOf(headers.get.call(headers, name)) : undefined;
}
