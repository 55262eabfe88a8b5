// Reads annotations of ServiceAccounts and requests short-lived tokens for them. Tokens are neither stored nor logged.
import { CoreV1Api } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import { type Annotations, annotationsOf, type Refused, unlessRefused } from './access-denied.ts';
import type { KubeClient } from './client.ts';
import { ReadCache } from './read-cache.ts';
import type { ObjectName } from './resource.ts';

/** `token` rejects when the API server does not answer; `annotations` then gives a reading of up to 10 minutes ago, if any. */
export interface ServiceAccounts {
  /** The annotations less than `age` ms ago. */
  annotations(account: ObjectName, age: number): Promise<Annotations>;
  /** A new token for this audience alone (TokenRequest), valid for ten minutes. */
  token(account: ObjectName, audience: string): Promise<{ readonly token: string } | Refused>;
}

/** The shortest lifetime that API servers grant. */
const lifetimeSeconds = 600;

/** @param names The annotations to read. */
export function serviceAccounts(cluster: KubeClient, clock: Clock, names: readonly string[]): ServiceAccounts {
  const api = cluster.api(CoreV1Api);
  const readings = new ReadCache<Annotations>(clock);
  return {
    annotations: ({ namespace, name }, age) =>
      readings.get(`${namespace}/${name}`, age, () =>
        annotationsOf(api.readNamespacedServiceAccount({ namespace, name }), names),
      ),

    async token({ namespace, name }, audience) {
      const body = { spec: { audiences: [audience], expirationSeconds: lifetimeSeconds } };
      const answer = await unlessRefused(api.createNamespacedServiceAccountToken({ namespace, name, body }));
      if ('refused' in answer) return answer;
      const token = answer.status?.token;
      if (!token) throw new Error(`the API server gave no token of ServiceAccount ${namespace}/${name}`);
      return { token };
    },
  };
}
