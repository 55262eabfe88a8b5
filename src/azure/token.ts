// Keeps one access token for one credential and audience: fetched once however many ask, renewed well before it ends, and still used
// while it is valid when the renewal fails. It has no timer and does nothing unless asked, so nothing can fail unseen: the SDK's own
// cache renews in the background, where a failure becomes an unhandled rejection.
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { Clock } from '../clock.ts';

/** ms before its end from which a token is renewed: the margin that Microsoft's own clients keep. */
const renewBefore = 5 * 60_000;
/** ms between attempts to renew a token that still works. */
const renewEvery = 30_000;
/** ms before its end from which a token is of no use: the request is still on its way. */
const uselessBefore = 10_000;

export interface TokenSource {
  /** Rejects with the credential's own error. */
  token(): Promise<string>;
  /** ARM refused this token: whoever asks next gets a new one. */
  forget(token: string): void;
}

export function tokenSource(credential: TokenCredential, scope: string, clock: Clock): TokenSource {
  let kept: AccessToken | undefined;
  let renewal: Promise<AccessToken> | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;

  function renew(): Promise<AccessToken> {
    triedAt = clock.now().getTime();
    renewal ??= fetchToken().finally(() => {
      renewal = undefined;
    });
    return renewal;
  }

  async function fetchToken(): Promise<AccessToken> {
    const token = await credential.getToken(scope);
    // What the interface of a credential allows, though none of @azure/identity's does it.
    if (!token) throw Object.assign(new Error('the credential gave no token'), { name: 'CredentialUnavailableError' });
    kept = token;
    return token;
  }

  return {
    async token() {
      const now = clock.now().getTime();
      const left = kept ? kept.expiresOnTimestamp - now : 0;
      if (!kept || left <= uselessBefore) return (await renew()).token;
      if (left > renewBefore || now - triedAt < renewEvery) return kept.token;
      const usable = kept.token;
      return renew().then(
        ({ token }) => token,
        () => usable,
      );
    },
    forget(token) {
      if (kept?.token === token) kept = undefined;
    },
  };
}
