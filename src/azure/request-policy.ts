// The pipeline policy of every request to ARM: adds a token and a deadline, asks the rate limiter, reports to metrics and logs, and
// throws a refusal with its body still readable.
import {
  type PipelinePolicy,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
  type SendRequest,
} from '@azure/core-rest-pipeline';
import type { Clock } from '../lib/clock.ts';
import type { ArmRequest } from './arm.ts';
import { MalformedResponseError } from './arm-responses.ts';
import type { TokenCache } from './identity/token-cache.ts';
import type { Operation } from './rate-limit/limits.ts';
import type { RateLimiter } from './rate-limit/rate-limiter.ts';
import type { RateLimitFeedback } from './rate-limit/token-bucket.ts';
import { correlationIdOf } from './rest-error.ts';
import { defaultRetryAfterMs, retryAfterIn } from './retry-after.ts';

export interface ArmPolicyOptions {
  readonly tokens: TokenCache;
  readonly clock: Clock;
  /** For the whole of a request: token, connection, response and body. */
  readonly timeoutMs: number;
  readonly onRequest?: (request: ArmRequest) => void;
  /** Called right before each request that may change something is sent; when it throws, nothing is sent. */
  readonly beforeWrite?: () => void;
  /** The only scheme, host and port to which a token is sent. */
  readonly origin: string;
  /** Told of each request as it is sent, pages of a LIST included, and of its response. When it throws, nothing is sent. */
  readonly rateLimiter?: Pick<RateLimiter, 'send'>;
}

/**
 * The SDK's own timeout ends with the response's headers and does not cover the token, and its readers throw a TypeError on a
 * refusal without a body, which loses the status. So both are handled here.
 */
export function armPolicy(options: ArmPolicyOptions): PipelinePolicy {
  const { clock, timeoutMs, onRequest } = options;
  return {
    name: 'armPolicy',
    async sendRequest(request, next) {
      // Monotonic, unlike the clock: this is a measurement, and nothing is decided by it.
      const startedAt = performance.now();
      const deadline = new AbortController();
      const expire = () => deadline.abort(new RestError(`no answer within ${timeoutMs / 1_000} s`, { request }));
      const cancel = clock.after(timeoutMs, expire);
      let response: PipelineResponse | undefined;
      try {
        response = await sendWithin(deadline.signal, request, next, options);
      } catch (error) {
        // The SDK's own error for an abort has no message.
        deadline.signal.throwIfAborted();
        throw error;
      } finally {
        cancel();
        onRequest?.({
          method: request.method,
          status: response ? String(response.status) : '<error>',
          durationMs: performance.now() - startedAt,
          correlationId: correlationIdOf(response ?? { request }),
        });
      }
      if (response.status < 300) return response;
      throw new RestError(`HTTP ${response.status}`, { statusCode: response.status, response });
    },
  };
}

async function sendWithin(
  deadline: AbortSignal,
  request: PipelineRequest,
  next: SendRequest,
  { tokens, origin, beforeWrite, rateLimiter }: ArmPolicyOptions,
): Promise<PipelineResponse> {
  refuseOtherOrigins(request.url, origin);
  const token = await tokens.token(deadline);
  // A token that comes late belongs to a request that has timed out.
  deadline.throwIfAborted();
  request.headers.set('Authorization', `Bearer ${token}`);
  request.abortSignal = deadline;
  // After the token, which may have taken long, and before a connection is made; the HTTP client checks again on an open one.
  if (request.method !== 'GET') beforeWrite?.();
  const operation = operationOf(request.method);
  const ended = rateLimiter?.send(subscriptionIn(request.url), operation);
  let feedback: RateLimitFeedback = {};
  try {
    const response = await next(request);
    feedback = rateLimitFeedback(response, operation);
    if (response.status === 401) tokens.forget(token);
    return response;
  } finally {
    ended?.(feedback);
  }
}

/** A page of a LIST has the absolute URL of the next one; the SDK would follow it to any host, with the token. */
function refuseOtherOrigins(url: string, origin: string): void {
  const { origin: asked } = new URL(url);
  if (asked !== origin)
    throw new MalformedResponseError(
      `the answer leads to ${asked}, and requests go to ${origin} only; nothing was sent there`,
    );
}

/** The subscription id in the path; empty where there is none. */
function subscriptionIn(url: string): string {
  return /\/subscriptions\/([^/?]+)/i.exec(url)?.[1] ?? '';
}

function operationOf(method: string): Operation {
  if (method === 'DELETE') return 'deletes';
  return method === 'PUT' || method === 'PATCH' ? 'writes' : 'reads';
}

/** ARM has one bucket per credential and one for all of a subscription's: the emptier one counts. */
function rateLimitFeedback({ status, headers }: PipelineResponse, operation: Operation): RateLimitFeedback {
  if (status === 429) return { retryAfterMs: retryAfterIn((name) => headers.get(name)) ?? defaultRetryAfterMs };
  const told = ['', 'global-'].flatMap((scope) => {
    const value = headers.get(`x-ms-ratelimit-remaining-subscription-${scope}${operation}`)?.trim() ?? '';
    return /^\d{1,9}$/.test(value) ? [Number(value)] : [];
  });
  return told.length > 0 ? { remaining: Math.min(...told) } : {};
}
