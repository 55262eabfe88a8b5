// More identities than the operator keeps: each still acts, and memory and connections are those of the ones that are kept.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ClientSecretCredential } from '@azure/identity';
import { expect } from 'chai';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { ArmClientPool, maxIdentities } from '../../src/azure/identity/arm-client-pool.ts';
import { RateLimiter } from '../../src/azure/rate-limit/rate-limiter.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import { trust } from '../trust.ts';
import { reference } from './arm-test-client.ts';

const identities = 600;

describe('more identities than are kept', () => {
  let emulator: ArmEmulator;
  let distrust: () => void;
  let pool: ArmClientPool;

  before(async () => {
    emulator = await startArmEmulator({ timings: instant });
    emulator.azure.addRegistry(reference, { location: 'eastus' });
    distrust = trust(emulator.certificate);
    const cloud = cloudFrom(emulator.environment);
    const token = await tokenOf();
    pool = new ArmClientPool({
      own: { getToken: async () => token },
      cloud,
      homeTenant: undefined,
      clock,
      connect(_, identityLabel) {
        const rateLimiter = new RateLimiter({ now: () => performance.now() });
        const credential = { getToken: async () => token };
        const arm = createArmClient({ credential, identityLabel, rateLimiter, cloud });
        return { arm, rateLimiter, release: arm.release, close: arm.close };
      },
      serviceAccounts: {
        annotations: async () => ({
          uid: 'uid',
          annotations: {
            'azure.workload.identity/client-id': '44444444-4444-4444-4444-000000000001',
            'azure.workload.identity/tenant-id': '11111111-1111-1111-1111-111111111111',
          },
        }),
        token: async () => ({ refused: 'missing', words: '' }),
      },
    });
  });
  after(async () => {
    pool?.close();
    distrust?.();
    await emulator?.close();
  });

  async function tokenOf() {
    const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = emulator.environment;
    const { authority } = cloudFrom(emulator.environment);
    const credential = new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, {
      authorityHost: authority,
      disableInstanceDiscovery: true,
    });
    const token = await credential.getToken(`${emulator.environment.AZURE_RESOURCE_MANAGER_ENDPOINT}/.default`);
    if (!token) throw new Error('the emulator gave no token');
    return token;
  }

  /** One pass of one object for each identity. */
  async function round(): Promise<void> {
    for (let n = 0; n < identities; n++) {
      const account = { namespace: 'web', name: `account-${n}` };
      pool.setIdentity(`web/object-${n}`, account);
      const arm = pool.armFor({ account, leaving: false, age: 60_000 }, { id: `object-${n}`, priority: 'user' });
      expect((await arm.registry(reference)).location).to.equal('eastus');
    }
  }

  it('each acts, and neither connections nor memory grow beyond those that are kept', async () => {
    await round();
    const before = heapUsed();
    await round();
    expect(connections()).to.be.at.most(maxIdentities + 10);
    // Another 600 identities with their connections would take some 70 MB.
    expect(heapUsed() - before).to.be.below(20_000_000);
  });
});

/** Open connections of this process, without the ends of the emulator. */
function connections(): number {
  return process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length;
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
