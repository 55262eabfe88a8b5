// Property test of claims: of several objects that name one registry, only one writes at a time, no take-over deletes within
// pruneDelay, and the right object ends up as the holder.
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anySequence, apply, listing, names, type Step } from './any-sequence.ts';
import { ArmModel } from './arm-model.ts';
import { ClaimMonitor } from './claim-monitor.ts';
import { ClusterModel } from './cluster-model.ts';
import { aReplica, home } from './fixtures.ts';

const hour = 3_600_000;

class Simulation {
  readonly clock = new FakeClock();
  readonly arm = new ArmModel(
    this.clock,
    [home, 'japaneast', 'uksouth'].map((location) => aReplica(location)),
  );
  readonly cluster = new ClusterModel(this.clock, (name) => this.#armOf(name));
  readonly monitor = new ClaimMonitor(this.cluster, this.clock);
  /** The action to apply at the nth request from now. */
  #next: { requests: number; apply: () => void } | undefined;

  constructor() {
    this.cluster.interrupt = (name, when) => {
      if (when === 'after') this.monitor.afterStore(name);
      this.#request();
    };
  }

  async step({ objectIndex, action, afterMs, requests }: Step): Promise<void> {
    const name = names[objectIndex] ?? 'a';
    await this.cluster.run(afterMs);
    const applyNow = () => {
      this.#next = undefined;
      this.monitor.beforeAction(action, name);
      apply(action, name, this.cluster, this.clock);
    };
    this.#next = { requests, apply: applyNow };
    await this.cluster.run(0);
    this.#next?.apply();
    await this.cluster.run(0);
  }

  /** The ARM client that this object's passes use. */
  #armOf(name: string): ArmModel {
    const { arm } = this;
    return new Proxy(arm, {
      get: (_, method: keyof ArmModel) => {
        const value = arm[method];
        if (typeof value !== 'function') return value;
        return async (...args: readonly unknown[]): Promise<unknown> => {
          this.cluster.assertAlive();
          if (method === 'create' || method === 'update' || method === 'remove')
            this.monitor.beforeArmWrite(name, method, locationOf(arm, String(args[1])));
          this.#request();
          this.cluster.assertAlive();
          const answer: unknown = await Reflect.apply(value, arm, args);
          this.#request();
          this.cluster.assertAlive();
          return answer;
        };
      },
    });
  }

  #request(): void {
    if (this.#next && this.#next.requests-- === 0) this.#next.apply();
  }
}

function locationOf({ actualReplicas }: ArmModel, name: string): string {
  return [...actualReplicas].find(([, replica]) => replica.name === name)?.[0] ?? name;
}

describe('two to five objects that name one registry, under any sequence of edits, denials, crashes and clock steps', () => {
  it('write one at a time, delete nothing within pruneDelay of a take-over, and end with the right holder', async () => {
    await fc.assert(
      fc.asyncProperty(anySequence, async ({ objects, steps }) => {
        const simulation = new Simulation();
        const { cluster, arm, monitor } = simulation;
        for (const [n, { regions, mode }] of objects.entries())
          cluster.create(names[n] ?? 'a', { regions: listing(regions), spec: { mode, pruneDelay: '10m' } });
        for (const step of steps) await simulation.step(step);
        cluster.namespaces = {};
        cluster.rules = { defaultIdentity: 'allow', defaultRegistries: 'allow' };
        await cluster.run(hour);
        expect([...monitor.violations, ...arm.forbiddenWrites].join('; ')).to.equal('');
        monitor.expectRightHolder([...arm.actualReplicas.keys()]);
      }),
      propertyRuns(2_000),
    );
  });
});
