// The operator's ARM client and rate limiter in the test's process, over real sockets to the ARM emulator, on a clock that tests
// move.

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

/** The ARM side of one operator process. */
export interface Connection {
  /** Without tokens: every request is sent unless ARM has paused them. */
  readonly arm: Arm;
  /** For one pass of this object, within the rate limit. */
  armFor(object: RegistryReplication): Arm;
}

export interface ArmOverSockets {
  readonly emulator: ArmEmulator;
  /** `wrap` may wrap the client below the rate limit. */
  connect(wrap?: (arm: Arm) => Arm): Connection;
  /** A client alone, with the same credential. It reports to this rate limiter only. */
  client(rateLimiter?: Pick<RateLimiter, 'send'>): Arm;
  close(): Promise<void>;
}

export async function startArmOverSockets(clock: Clock, options: ArmEmulatorOptions = {}): Promise<ArmOverSockets> {
  const emulator = await startArmEmulator({ ...options, clock });
  const distrust = trust(emulator.certificate);
  const cloud = cloudFrom(emulator.environment);
  const client = (rateLimiter?: Pick<RateLimiter, 'send'>) =>
    createArmClient({ credential: credentialFor(emulator, clock), cloud, clock, ...(rateLimiter && { rateLimiter }) });
  return {
    emulator,
    client,
    connect(wrap = (arm) => arm) {
      const rateLimiter = new RateLimiter({ now: () => clock.now().getTime() });
      const arm = wrap(client(rateLimiter));
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

/** Its tokens expire by the clock of the test, which the credentials of Azure's SDK do not use. */
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
