// Caches one access token for one credential and scope. Concurrent requests share one fetch, and the token is renewed in the
// background before it expires.
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { Clock } from '../../lib/clock.ts';

/** A token is renewed so long before it expires: the margin of Microsoft's own clients. */
const refreshMarginMs = 5 * 60_000;
/** Between attempts to renew a valid token. */
const refreshRetryMs = 30_000;
/** A token that expires sooner is not used: the request needs time. */
const minRemainingMs = 10_000;
/** For one attempt. Shorter than a request's deadline, so that the request can report why there is no token. */
export const tokenTimeoutMs = 20_000;
/** Between two resets of the credential. */
const minResetIntervalMs = 60_000;

/** A credential that can drop its own cached tokens. */
export interface Credential extends TokenCredential {
  reset?(): void;
}

export interface TokenCache {
  /** Rejects with the credential's own error, or with the signal's reason once that is aborted. */
  token(signal?: AbortSignal): Promise<string>;
  /** ARM rejected this token: drops it, and at most once a minute the credential's own cache, too. */
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
      // Allowed by the interface, though no credential of @azure/identity does it.
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
      // While the old token is valid, no request waits for the new one, and a failure does not matter.
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

/** Settles like the promise, or rejects with the signal's reason if that is aborted first. */
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
