import { expect } from 'chai';
import { group, plural, type RegistryReplication, version } from '../../../src/api/registryreplication.ts';
import type { Arm } from '../../../src/azure/arm.ts';
import { cloudFrom } from '../../../src/azure/cloud.ts';
import { ArmClientPool } from '../../../src/azure/identity/arm-client-pool.ts';
import { RateLimiter } from '../../../src/azure/rate-limit/rate-limiter.ts';
import { Store } from '../../../src/kubernetes/cache/store.ts';
import { WorkQueue } from '../../../src/kubernetes/controller/workqueue.ts';
import { createReconciler } from '../../../src/operator/reconciler.ts';
import { ProcessState } from '../../../src/replication/process-state.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { configFrom } from '../../config-from.ts';
import { FakeClock } from '../../fake-clock.ts';
import { serverForEachTest } from '../kubernetes/client/scripted-api-server.ts';
import { anObject } from '../replication/fixtures.ts';

describe('the in-memory state of an object', () => {
  const api = serverForEachTest();

  function scene() {
    const clock = new FakeClock();
    const store = new Store<RegistryReplication>();
    const state = new ProcessState(clock);
    const log = createLogger({ level: 'silent' });
    const { onChange } = createReconciler({
      config: configFrom([], {}),
      cluster: api.cluster,
      kind: { group, version, plural },
      store,
      overLimit: () => undefined,
      queue: new WorkQueue({ clock, random: () => 0.5 }),
      armClients: new ArmClientPool({
        own: { getToken: async () => null },
        connect: () => ({ arm: {} as Arm, rateLimiter: new RateLimiter({ now: () => 0 }) }),
        serviceAccounts: {
          annotations: async () => ({ refused: 'missing', words: '' }),
          token: async () => ({ token: '' }),
        },
        cloud: cloudFrom({}),
        homeTenant: undefined,
        clock,
      }),
      sources: { put: () => {}, drop: () => {}, readingsOf: () => [], watched: () => [], close: () => {} },
      state,
      recordEvents: () => {},
      log,
      isWorking: () => true,
    });
    const objectOf = (uid: string, generation = 1): RegistryReplication => {
      const object = anObject({ generation });
      return { ...object, metadata: { ...object.metadata, uid } };
    };
    /** Reports the object as the informer does: after the store has it. */
    const observe = (object: RegistryReplication) => {
      const previous = store.onObserved(object);
      if (previous) onChange({ type: 'updated', object, previous, source: 'list' });
      else onChange({ type: 'added', object, source: 'list' });
    };
    return { state, objectOf, observe };
  }

  it('stays while the object is edited', () => {
    const { state, objectOf, observe } = scene();
    observe(objectOf('first'));
    state.unreachableSince.set('first', 1);
    observe(objectOf('first', 2));
    expect([...state.unreachableSince.keys()]).to.deep.equal(['first']);
  });

  it('is dropped when the object is deleted and created again within a gap of the watch', () => {
    const { state, objectOf, observe } = scene();
    observe(objectOf('first'));
    state.unreachableSince.set('first', 1);
    observe(objectOf('second'));
    expect([...state.unreachableSince.keys()]).to.deep.equal([]);
  });
});
