// Caches one access token for one credential and scope: fetched once for all requests that wait, and renewed in the background
// before it ends. Each attempt to get one has a deadline, and a request waits no longer than its own.
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { Clock } from '../../lib/clock.ts';

/** Before its end, from when a token is renewed: the margin of Microsoft's own clients. */
const refreshMarginMs = 5 * 60_000;
/** Between attempts to renew a token that still works. */
const refreshRetryMs = 30_000;
/** Before its end, from when a token is not used: the request is still on its way. */
const minRemainingMs = 10_000;
/** For one attempt. Shorter than a request's deadline, so that the request can still tell why there is no token. */
export const tokenTimeoutMs = 20_000;
/** Between two resets of the credential. */
const minResetIntervalMs = 60_000;

/** A credential that can forget the tokens that it caches itself. */
export interface Credential extends TokenCredential {
  reset?(): void;
}

export interface TokenCache {
  /** Rejects with the credential's own error, or with the signal's reason once that is aborted. */
  token(signal?: AbortSignal): Promise<string>;
  /** ARM refused this token: the next request gets a new one, and the credential forgets its own, at most once a minute. */
  forget(token: string): void;
}

export function createTokenCache(credential: Credential, scope: string, clock: Clock): TokenCache {
  let kept: AccessToken | undefined;
  let renewal: Promise<AccessToken> | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let resetAt = Number.NEGATIVE_INFINITY;
  const now = () => clock.now().getTime();

  function renew(): Promise<AccessToken> {
    if (renewal) return renewal;
    triedAt = now();
    const started = fetchToken().finally(() => {
      if (renewal === started) renewal = undefined;
    });
    renewal = started;
    return started;
  }

  async function fetchToken(): Promise<AccessToken> {
    const attempt = new AbortController();
    const words = `the token endpoint gave no token within ${tokenTimeoutMs / 1_000} s`;
    const cancel = clock.after(tokenTimeoutMs, () => attempt.abort(new Error(words)));
    try {
      const token = await unlessAborted(credential.getToken(scope, { abortSignal: attempt.signal }), attempt.signal);
      // What the interface of a credential allows, though none of @azure/identity's does it.
      if (!token)
        throw Object.assign(new Error('the credential gave no token'), { name: 'CredentialUnavailableError' });
      kept = token;
      return token;
    } finally {
      cancel();
    }
  }

  return {
    async token(signal) {
      const left = kept ? kept.expiresOnTimestamp - now() : 0;
      if (!kept || left <= minRemainingMs) return (await unlessAborted(renew(), signal)).token;
      // While the old token is good, nothing waits for the new one, and a failure is of no account.
      if (left <= refreshMarginMs && Math.abs(now() - triedAt) >= refreshRetryMs) renew().catch(() => undefined);
      return kept.token;
    },
    forget(token) {
      if (kept?.token !== token) return;
      kept = undefined;
      if (Math.abs(now() - resetAt) < minResetIntervalMs) return;
      resetAt = now();
      credential.reset?.();
    },
  };
}

/** The promise's outcome, unless the signal is aborted before: then its reason. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
