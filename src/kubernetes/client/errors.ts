// What can go wrong between us and the API server, told apart and put into one line of plain words. It never decides
// what is tried again.
import { STATUS_CODES } from 'node:http';
import { ApiException } from '@kubernetes/client-node';
import { sanitize } from '../../lib/sanitize.ts';

/** No answer came: refused, reset, not trusted, or silent for too long. The message is a whole sentence. */
export class ApiServerUnreachable extends Error {
  override readonly name = 'ApiServerUnreachable';
}

/** The object is no longer what the write was based on; a look at the new one decides anew. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged';
}

/** This process does not lead (any more): nothing was sent. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}

export function isNotFound(error: unknown): boolean {
  return hasCode(error, 404);
}

export function isForbidden(error: unknown): boolean {
  return hasCode(error, 403);
}

/** Nothing can be created in the namespace any more, whatever rights one has. */
export function isTerminatingNamespace(error: unknown): boolean {
  const causes = isForbidden(error) ? statusOf(error).details?.causes : undefined;
  return Array.isArray(causes) && causes.some((cause) => cause?.reason === 'NamespaceTerminating');
}

/**
 * The server looked for the object and has none, and says so by its name. Any other 404 is about the path: a server that
 * has just begun, and knows no custom resources yet, answers so about objects that are there.
 */
export function isMissing(error: unknown): boolean {
  return isNotFound(error) && statusOf(error).details?.name !== undefined;
}

/** A write was based on an old version of the object. */
export function isConflict(error: unknown): boolean {
  return error instanceof ObjectChanged || (hasCode(error, 409) && !isAlreadyExists(error));
}

/** Somebody has created an object of that name. */
export function isAlreadyExists(error: unknown): boolean {
  return hasCode(error, 409) && statusOf(error).reason === 'AlreadyExists';
}

/** The version, or the page, that was asked for is no longer kept by the server: list anew. */
export function isExpired(error: unknown): boolean {
  return hasCode(error, 410);
}

/** The server refused a patch: a `test` in it failed (it says 422 then, as it does for an invalid object), or a race was lost. */
export function isPatchRefused(error: unknown): boolean {
  return hasCode(error, 409) || hasCode(error, 422);
}

/** API servers ask for seconds. A longer `Retry-After` is some proxy's, and must not keep the operator away for hours. */
const maxRetryAfterMs = 60_000;

/**
 * ms that the server asked us to stay away (`Retry-After` in seconds, as API servers send it), at most a minute; undefined
 * when it did not.
 */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const headers: Record<string, string | undefined> = error.headers ?? {};
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined;
}

/** Characters of an error that are shown. */
const maxLength = 500;

/** Any error in one line for a person, at most 500 characters, without secrets. */
export function explain(error: unknown): string {
  if (error instanceof ApiException) {
    const words = statusOf(error).message;
    const status = `the API server answered ${error.code} ${STATUS_CODES[error.code] ?? ''}`.trimEnd();
    return sanitize(words ? `${status}: ${words}` : status, maxLength);
  }
  if (error instanceof Error) return sanitize(error.message || error.name, maxLength);
  return sanitize(String(error), maxLength);
}

/** The API server's own refusal, or its silence: `explain` says all there is to say. Anything else may be a mistake of ours. */
export function isFromApiServer(error: unknown): boolean {
  return error instanceof ApiException || error instanceof ApiServerUnreachable;
}

/** There was no answer, or one that says only that the API server is in trouble or has too much to do. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof ApiServerUnreachable) return true;
  return error instanceof ApiException && (error.code === 429 || error.code >= 500);
}

/**
 * Wraps what `fetch` rejects with (a TypeError that says only "fetch failed" or "terminated", a TimeoutError) into an error
 * that says which server and why. Errors that are no such thing, such as a credential plugin's, come back as they are.
 */
export function asUnreachable(error: unknown, server: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'TimeoutError') {
    return new ApiServerUnreachable(`the API server at ${server} does not answer`, { cause: error });
  }
  if (!(error instanceof TypeError && error.cause instanceof Error)) return error;
  if (error.cause instanceof NotLeading) return error.cause;
  const root = rootCause(error);
  const code = 'code' in root ? String(root.code) : undefined;
  // Node names the plain network errors well by code; TLS and the rest need their words too.
  const why = code && /^E[A-Z]+$/.test(code) ? code : [code, root.message].filter(Boolean).join(': ');
  return new ApiServerUnreachable(`the API server at ${server} cannot be reached (${sanitize(why, maxLength)})`, {
    cause: error,
  });
}

function rootCause(error: Error): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return rootCause(error.errors[0]);
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code;
}

/** The `Status` object that an API server answers errors with; client-node hands it on as text or parsed. */
function statusOf(error: unknown): {
  message?: string;
  reason?: string;
  details?: { name?: unknown; causes?: unknown };
} {
  const body: unknown = error instanceof ApiException ? error.body : undefined;
  const parsed = typeof body === 'string' ? parse(body) : body;
  if (typeof parsed !== 'object' || parsed === null) return typeof body === 'string' ? { message: body } : {};
  const { message, reason, details } = parsed as { message?: unknown; reason?: unknown; details?: unknown };
  return {
    ...(typeof message === 'string' && { message }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof details === 'object' && details !== null && { details }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's HTML page, for instance: shown as it is
  }
}
