// Random sequences of nodes that come, change and go, of followers that begin and end, of gaps in the watch and of refusals, against the
// emulator over real sockets: at rest the value watcher reads what the nodes say, and every follower was told.
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'chai';
import fc from 'fast-check';
import { createValueWatcher, type ValueQuery } from '../../src/kubernetes/cache/value-watcher.ts';
import { createKubeClient, type KubeClient } from '../../src/kubernetes/client/client.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import { kubeApi } from '../kube-api.ts';
import { propertyRuns } from '../property-runs.ts';
import { Journal, LogJournal } from '../unit/kubernetes/journal.ts';

const user = 'follower';
const path = '.metadata.labels.region';
const queries: readonly ValueQuery[] = [
  { apiVersion: 'v1', kind: 'Node', namespace: 'default', path },
  { apiVersion: 'v1', kind: 'Node', namespace: 'default', path, selector: { matchLabels: { pool: 'web' } } },
  {
    apiVersion: 'v1',
    kind: 'Node',
    namespace: 'default',
    path: '.spec.providerID',
    selector: { matchExpressions: [{ key: 'pool', operator: 'NotIn', values: ['web'] }] },
  },
];
const rights = ['list', 'watch'].map((verb) => ({ verb, group: '', resource: 'nodes' }));

interface Labels {
  readonly region: string;
  readonly pool: string;
}

type Step =
  | { readonly type: 'label'; readonly node: string; readonly labels: Labels }
  | { readonly type: 'remove'; readonly node: string }
  | { readonly type: 'follow'; readonly follower: string; readonly queries: readonly number[] }
  | { readonly type: 'endWatches' | 'compact' | 'forbid' | 'permit' };

const node = fc.integer({ min: 1, max: 4 }).map((number) => `node-${number}`);
const labels = fc.record({ region: fc.constantFrom('eastus', 'japaneast'), pool: fc.constantFrom('web', 'db') });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('label' as const), node, labels }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('remove' as const), node }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('follow' as const),
      follower: fc.constantFrom('default/a', 'default/b'),
      queries: fc.subarray([0, 1, 2]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('endWatches' as const, 'compact' as const, 'forbid' as const, 'permit' as const),
    }),
  },
);

/** A hundred times as fast, so that pauses and backoff are short. */
const fastClock: Clock = { now: systemClock.now, after: (ms, call) => systemClock.after(ms / 100, call) };

describe('the value watcher, after any sequence of changes', () => {
  let server: KubernetesEmulator;
  let people: KubeClient;
  let core: CoreV1Api;

  before(async () => {
    server = await startKubernetesEmulator();
    people = clientFor(server.kubeconfig);
    core = kubeApi(people, CoreV1Api);
  });
  after(async () => {
    await people.close();
    await server.close();
  });

  it('reads what the nodes say, and has told every follower', async () => {
    const check = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = new World(server, core);
      for (const step of steps) await world.take(step);
      await world.comesToRest();
      await world.close();
    });
    await fc.assert(check, propertyRuns(200, 20));
  });
});

class World {
  readonly #server: KubernetesEmulator;
  readonly #core: CoreV1Api;
  readonly #cluster: KubeClient;
  readonly #changes = new Journal<string[]>();
  readonly #watcher: ReturnType<typeof createValueWatcher>;
  readonly #nodes = new Map<string, Labels>();
  readonly #followed = new Map<string, readonly number[]>();
  /** What each follower read when it was last told. */
  readonly #told = new Map<string, string>();

  constructor(server: KubernetesEmulator, core: CoreV1Api) {
    this.#server = server;
    this.#core = core;
    this.#cluster = clientFor(server.kubeconfigOf(user, 'default'));
    this.#watcher = createValueWatcher({
      cluster: this.#cluster,
      allowed: ['nodes'],
      onChange: (followers) => {
        for (const follower of followers) this.#tell(follower);
        this.#changes.push([...followers]);
      },
      clock: fastClock,
      random: Math.random,
      log: new LogJournal(),
    });
  }

  async take(step: Step): Promise<void> {
    switch (step.type) {
      case 'label':
        return this.#label(step.node, step.labels);
      case 'remove':
        if (this.#nodes.delete(step.node)) await this.#core.deleteNode({ name: step.node });
        return;
      case 'follow':
        this.#followed.set(step.follower, step.queries);
        this.#watcher.follow(
          step.follower,
          step.queries.flatMap((index) => queries[index] ?? []),
        );
        return this.#tell(step.follower);
      case 'endWatches':
        return this.#server.closeWatches();
      case 'compact':
        this.#server.compact();
        return this.#server.closeWatches();
      case 'forbid':
        return rights.forEach((right) => void this.#server.forbid(user, right));
      case 'permit':
        return rights.forEach((right) => void this.#server.permit(user, right));
    }
  }

  async comesToRest(): Promise<void> {
    await this.take({ type: 'permit' });
    const followed = () => new Set([...this.#followed.values()].flat());
    while ([...followed()].some((index) => this.#read(index) !== this.#expected(index))) await this.#changes.next();
    for (const follower of this.#followed.keys()) expect(this.#told.get(follower)).to.equal(this.#readings(follower));
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#cluster.close();
    for (const name of this.#nodes.keys()) await this.#core.deleteNode({ name });
  }

  async #label(name: string, labels: Labels): Promise<void> {
    const known = this.#nodes.has(name);
    this.#nodes.set(name, labels);
    const metadata = { name, labels: { ...labels } };
    if (!known) await this.#core.createNode({ body: { metadata, spec: { providerID: `vm-${name}` } } });
    else {
      const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      await this.#core.patchNode({ name, body: { metadata } }, merge);
    }
  }

  #tell(follower: string): void {
    this.#told.set(follower, this.#readings(follower));
  }

  #readings(follower: string): string {
    return (this.#followed.get(follower) ?? []).map((index) => this.#read(index)).join('; ');
  }

  #read(index: number): string {
    const query = queries[index];
    const values = query && this.#watcher.read(query);
    return values?.state === 'Synced' ? [...values.values.keys()].sort().join() : (values?.state ?? '');
  }

  #expected(index: number): string {
    const all = [...this.#nodes];
    const values = [
      all.map(([, { region }]) => region),
      all.flatMap(([, { region, pool }]) => (pool === 'web' ? [region] : [])),
      all.flatMap(([name, { pool }]) => (pool === 'web' ? [] : [`vm-${name}`])),
    ];
    return [...new Set(values[index])].sort().join();
  }
}

function clientFor(kubeconfig: string): KubeClient {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return createKubeClient(config);
}
