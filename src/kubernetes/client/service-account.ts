// Reads annotations of ServiceAccounts and requests short-lived tokens for them. Tokens are neither stored nor logged.
import type { Clock } from '../../lib/clock.ts';
import { type Annotations, annotationsOf, type Refused, unlessRefused } from './access-denied.ts';
import type { KubeClient } from './client.ts';
import { objectPath } from './collection.ts';
import { ReadCache } from './read-cache.ts';
import type { ObjectName } from './resource.ts';

export interface ServiceAccounts {
  /** Reads as {@link ReadCache.get} does. */
  annotations(account: ObjectName, maxAgeMs: number): Promise<Annotations>;
  /** Requests a new token for this audience only (TokenRequest), valid for ten minutes. */
  token(account: ObjectName, audience: string): Promise<{ readonly token: string } | Refused>;
}

const kind = { group: '', version: 'v1', plural: 'serviceaccounts' };

/** What is read of authentication.k8s.io/v1, kind TokenRequest. */
interface TokenRequest {
  readonly status?: { readonly token?: string };
}

/** The shortest lifetime that API servers grant. */
const lifetimeSeconds = 600;

/** @param names The annotations to read. */
export function serviceAccounts(cluster: KubeClient, clock: Clock, names: readonly string[]): ServiceAccounts {
  const readings = new ReadCache<Annotations>(clock);
  return {
    annotations: ({ namespace, name }, maxAgeMs) =>
      readings.get(`${namespace}/${name}`, maxAgeMs, () =>
        annotationsOf(cluster.getJson(objectPath(kind, { namespace, name })), names),
      ),

    async token(account, audience) {
      const body = { spec: { audiences: [audience], expirationSeconds: lifetimeSeconds } };
      const answer = await unlessRefused(
        cluster.sendJson<TokenRequest>('POST', `${objectPath(kind, account)}/token`, body),
      );
      if ('refused' in answer) return answer;
      const token = answer.status?.token;
      if (!token)
        throw new Error(`the API server returned no token of ServiceAccount ${account.namespace}/${account.name}`);
      return { token };
    },
  };
}
