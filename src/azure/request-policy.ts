// What every request to ARM has in common: a token, a deadline that covers the whole of it, one report for metrics and logs, and
// a refusal thrown with its body still readable. It sends nothing twice.
import { type PipelinePolicy, type PipelineResponse, RestError } from '@azure/core-rest-pipeline';
import type { Clock } from '../lib/clock.ts';
import type { ArmRequest } from './arm.ts';
import { MalformedResponseError } from './arm-responses.ts';
import { defaultRetryAfterMs, retryAfterIn } from './errors.ts';
import type { TokenCache } from './identity/token-cache.ts';
import type { Operation } from './rate-limit/limits.ts';
import type { RateLimiter } from './rate-limit/rate-limiter.ts';
import type { RateLimitFeedback } from './rate-limit/token-bucket.ts';
import { trace } from './trace.ts';

export interface ArmPolicyOptions {
  readonly tokens: TokenCache;
  readonly clock: Clock;
  /** ms for the whole of a request: token, connection, answer and its body. */
  readonly timeout: number;
  readonly onRequest?: (request: ArmRequest) => void;
  /** Called right before each request that may change something is sent; when it throws, nothing is sent. */
  readonly beforeWrite?: () => void;
  /** The only scheme, host and port to which a token is sent. */
  readonly origin: string;
  /** Told of each request as it is sent, pages of a LIST included, and of its response. When it throws, nothing is sent. */
  readonly rateLimiter?: Pick<RateLimiter, 'send'>;
}

/**
 * The SDK's own timeout ends with the answer's headers and does not cover the token, and its readers throw a TypeError on a
 * refusal without a body, which loses the status; hence both are dealt with here.
 */
export function armPolicy({
  tokens,
  clock,
  timeout,
  onRequest,
  beforeWrite,
  origin,
  rateLimiter,
}: ArmPolicyOptions): PipelinePolicy {
  return {
    name: 'armPolicy',
    async sendRequest(request, next) {
      // Monotonic, unlike the clock: this is a measurement, and nothing is decided by it.
      const startedAt = performance.now();
      const deadline = new AbortController();
      const cancel = clock.after(timeout, () => deadline.abort(new Error(`no answer within ${timeout / 1_000} s`)));
      const operation = operationOf(request.method);
      let response: PipelineResponse | undefined;
      let ended: ((feedback: RateLimitFeedback) => void) | undefined;

      const send = async () => {
        refuseOtherOrigins(request.url, origin);
        const token = await tokens.token(deadline.signal);
        // A token that comes late belongs to a request that nothing waits for any more.
        deadline.signal.throwIfAborted();
        request.headers.set('Authorization', `Bearer ${token}`);
        request.abortSignal = deadline.signal;
        // After the token, which may have taken long, and before a connection is made; the client asks again on an open one.
        if (request.method !== 'GET') beforeWrite?.();
        ended = rateLimiter?.send(subscriptionIn(request.url), operation);
        const answer = await next(request);
        if (answer.status === 401) tokens.forget(token);
        return answer;
      };

      try {
        response = await send();
      } catch (error) {
        // The SDK's own error for an abort has no words.
        deadline.signal.throwIfAborted();
        throw error;
      } finally {
        cancel();
        ended?.(response ? rateLimitFeedback(response, operation) : {});
        const over: ArmRequest = {
          method: request.method,
          status: response ? String(response.status) : '<error>',
          durationMs: performance.now() - startedAt,
          correlationId: response?.headers.get('x-ms-correlation-request-id') ?? request.requestId,
        };
        trace(over);
        onRequest?.(over);
      }
      if (response.status < 300) return response;
      throw new RestError(`HTTP ${response.status}`, { statusCode: response.status, response });
    },
  };
}

/** A page of a LIST names the next one by an absolute URL; the SDK would follow it to any host, with the token. */
function refuseOtherOrigins(url: string, origin: string): void {
  const { origin: asked } = new URL(url);
  if (asked !== origin)
    throw new MalformedResponseError(
      `the answer leads to ${asked}, and requests go to ${origin} only; nothing was sent there`,
    );
}

/** As ARM's paths name it; empty where one names none. */
function subscriptionIn(url: string): string {
  return /\/subscriptions\/([^/?]+)/i.exec(url)?.[1] ?? '';
}

function operationOf(method: string): Operation {
  if (method === 'DELETE') return 'deletes';
  return method === 'PUT' || method === 'PATCH' ? 'writes' : 'reads';
}

/** ARM keeps two buckets for each, the credential's own and one for all of the subscription's: the emptier one counts. */
function rateLimitFeedback({ status, headers }: PipelineResponse, operation: Operation): RateLimitFeedback {
  if (status === 429) return { retryAfterMs: retryAfterIn((name) => headers.get(name)) ?? defaultRetryAfterMs };
  const told = ['', 'global-'].flatMap((scope) => {
    const value = headers.get(`x-ms-ratelimit-remaining-subscription-${scope}${operation}`)?.trim() ?? '';
    return /^\d{1,9}$/.test(value) ? [Number(value)] : [];
  });
  return told.length > 0 ? { remaining: Math.min(...told) } : {};
}
