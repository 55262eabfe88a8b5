// Classifies errors of the API server and explains them in one line. Whether to retry is decided by the caller.
import { STATUS_CODES } from 'node:http';
import { ApiException } from '@kubernetes/client-node';
import { sanitize } from '../../lib/sanitize.ts';

/** The API server did not answer: connection refused or reset, certificate not trusted, or timeout. The message is a sentence. */
export class ApiServerUnreachable extends Error {
  override readonly name = 'ApiServerUnreachable';
}

/** The object has changed since the version that the write was based on. Read it again and decide anew. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged';
}

/** This process is not the leader; the request was not sent. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}

export function isNotFound(error: unknown): boolean {
  return hasCode(error, 404);
}

export function isForbidden(error: unknown): boolean {
  return hasCode(error, 403);
}

/** The namespace is being deleted, so nothing can be created in it. */
export function isTerminatingNamespace(error: unknown): boolean {
  const causes = isForbidden(error) ? statusOf(error).details?.causes : undefined;
  return Array.isArray(causes) && causes.some((cause) => cause?.reason === 'NamespaceTerminating');
}

/**
 * The object does not exist. Any other 404 is about the path: a server that has just started does not know its custom resources yet,
 * and answers 404 for objects that exist.
 */
export function isMissing(error: unknown): boolean {
  return isNotFound(error) && statusOf(error).details?.name !== undefined;
}

/** The object does not match the schema. */
export function isInvalid(error: unknown): boolean {
  return hasCode(error, 422);
}

/** The write was based on an old version of the object. */
export function isConflict(error: unknown): boolean {
  return error instanceof ObjectChanged || (hasCode(error, 409) && !isAlreadyExists(error));
}

/** An object of that name exists already. */
export function isAlreadyExists(error: unknown): boolean {
  return hasCode(error, 409) && statusOf(error).reason === 'AlreadyExists';
}

/** The server no longer has the requested version or page: list again. */
export function isExpired(error: unknown): boolean {
  return hasCode(error, 410);
}

/** A `test` of the patch failed (422, which is also the code for an invalid object), or another write came first (409). */
export function isPatchRefused(error: unknown): boolean {
  return hasCode(error, 409) || hasCode(error, 422);
}

/** API servers send a few seconds. A longer `Retry-After` comes from a proxy and must not stop the operator for hours. */
const maxRetryAfterMs = 60_000;

/** The response's `Retry-After` (in seconds, as API servers send it), at most a minute; undefined if it has none. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const headers: Record<string, string | undefined> = error.headers ?? {};
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined;
}

const maxMessageChars = 500;

/** Explains any error to a user in one line, at most 500 characters, without secrets. */
export function explain(error: unknown): string {
  if (error instanceof ApiException) {
    const { message } = statusOf(error);
    const status = `the API server answered ${error.code} ${STATUS_CODES[error.code] ?? ''}`.trimEnd();
    return sanitize(message ? `${status}: ${message}` : status, maxMessageChars);
  }
  if (error instanceof Error) return sanitize(error.message || error.name, maxMessageChars);
  return sanitize(String(error), maxMessageChars);
}

/** An error response or no response: `explain` is enough for the log. Any other error may be a bug, so its stack is of interest. */
export function isFromApiServer(error: unknown): boolean {
  return error instanceof ApiException || error instanceof ApiServerUnreachable;
}

/** No response, 429 or 5xx: the API server is down or overloaded, and the request itself may be fine. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof ApiServerUnreachable) return true;
  return error instanceof ApiException && (error.code === 429 || error.code >= 500);
}

/**
 * Converts an error of `fetch` (a TypeError with the message "fetch failed" or "terminated", or a TimeoutError) as `unreachable` does.
 * Returns any other error, such as a credential plugin's, unchanged.
 */
export function asUnreachable(error: unknown, server: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'TimeoutError') return unreachable(error, server);
  return error instanceof TypeError && error.cause instanceof Error ? unreachable(error.cause, server) : error;
}

/** Converts an error of a connection or a TimeoutError into one that names the server and the cause; returns a NotLeading unchanged. */
export function unreachable(error: Error, server: string): ApiServerUnreachable | NotLeading {
  if (error instanceof NotLeading) return error;
  if (error.name === 'TimeoutError') {
    return new ApiServerUnreachable(`the API server at ${server} does not answer`, { cause: error });
  }
  const root = rootCause(error);
  const code = 'code' in root ? String(root.code) : undefined;
  // A network error's code is clear enough; TLS and other errors need their message too.
  const why = code && /^E[A-Z]+$/.test(code) ? code : [code, root.message].filter(Boolean).join(': ');
  return new ApiServerUnreachable(`the API server at ${server} cannot be reached (${sanitize(why, maxMessageChars)})`, {
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

/** The `Status` object of an error response; client-node returns it as text or parsed. */
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
    return undefined; // such as a proxy's HTML page, which is shown as it is
  }
}
