// The operator's side of the wire, in the test's own process: its gateway and its budget, over real sockets to an emulated ARM,
// on a clock that tests move. An hour takes as long as its requests.

import type { TokenCredential } from '@azure/core-auth';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { Arm } from '../../src/azure/arm.ts';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { RateLimiter } from '../../src/azure/rate-limit/rate-limiter.ts';
import { withRateLimit } from '../../src/azure/rate-limit/with-rate-limit.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { priorityOf } from '../../src/operator/request-priority.ts';
import { type ArmEmulator, type ArmEmulatorOptions, startArmEmulator } from '../emulators/arm/emulator.ts';
import { trust } from '../trust.ts';

/** One life of the operator's process, as far as ARM can tell. */
export interface Connection {
  /** Past the budget: whatever is asked is sent. */
  readonly arm: Arm;
  /** ARM as one pass of this object sees it: within the budget. */
  armFor(object: RegistryReplication): Arm;
}

export interface ArmOverSockets {
  readonly emulator: ArmEmulator;
  /** `witnessed` may come between the budget and the wire. */
  connect(witnessed?: (arm: Arm) => Arm): Connection;
  /** The gateway alone, with the same credential: it tells this wire what it sends, where there is one, and asks nobody else. */
  gateway(rateLimiter?: Pick<RateLimiter, 'send'>): Arm;
  close(): Promise<void>;
}

export async function startArmOverSockets(clock: Clock, options: ArmEmulatorOptions = {}): Promise<ArmOverSockets> {
  const emulator = await startArmEmulator({ ...options, clock });
  const distrust = trust(emulator.certificate);
  const cloud = cloudFrom(emulator.environment);
  const gateway = (rateLimiter?: Pick<RateLimiter, 'send'>) =>
    createArmClient({ credential: credentialFor(emulator, clock), cloud, clock, ...(rateLimiter && { rateLimiter }) });
  return {
    emulator,
    gateway,
    connect(witnessed = (arm) => arm) {
      const rateLimiter = new RateLimiter({ now: () => clock.now().getTime() });
      const arm = witnessed(gateway(rateLimiter));
      return {
        arm,
        armFor: (object) =>
          withRateLimit(arm, rateLimiter, { id: object.metadata.uid ?? '', priority: priorityOf(object) }),
      };
    },
    async close() {
      distrust();
      await emulator.close();
    },
  };
}

/** Its tokens end by the clock of the test, which the credentials of Azure's SDK know nothing of. */
function credentialFor({ url, environment }: ArmEmulator, clock: Clock): TokenCredential {
  return {
    async getToken(scope) {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: environment.AZURE_CLIENT_ID ?? '',
        client_secret: environment.AZURE_CLIENT_SECRET ?? '',
        scope: String(scope),
      });
      const answer = await fetch(`${url}/${environment.AZURE_TENANT_ID}/oauth2/v2.0/token`, {
        method: 'POST',
        body: form,
      });
      const token = (await answer.json()) as { access_token: string; expires_in: number };
      return { token: token.access_token, expiresOnTimestamp: clock.now().getTime() + token.expires_in * 1_000 };
    },
  };
}
