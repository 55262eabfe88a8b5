// A value watcher against a scripted API server, for its tests.
import type { KubernetesObject } from '@kubernetes/client-node';
import {
  createValueWatcher,
  type ValueQuery,
  type ValueWatcher,
} from '../../../../src/kubernetes/cache/value-watcher.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { type Asked, ScriptedApiServer } from '../client/scripted-api-server.ts';
import { Journal, LogJournal } from '../journal.ts';

const region = 'topology.kubernetes.io/region';
const nodes = { apiVersion: 'v1', kind: 'Node', path: '.metadata.labels.topology\\.kubernetes\\.io/region' };
export const ofNodes = (selector?: ValueQuery['selector']): ValueQuery => ({
  ...nodes,
  namespace: 'registries',
  ...(selector && { selector }),
});
export const webNodes = ofNodes({ matchLabels: { pool: 'web' } });
export const ofConfigMaps = (namespace: string): ValueQuery => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  path: '.data.region',
});
export const ofFleet: ValueQuery = {
  apiVersion: 'cluster.kubernetes-fleet.io/v1',
  kind: 'MemberCluster',
  namespace: 'registries',
  path: '.spec.location',
};

const verbs = ['list', 'watch'];
const coreResources = [
  { name: 'nodes', kind: 'Node', namespaced: false, verbs },
  { name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs },
  { name: 'secrets', kind: 'Secret', namespaced: true, verbs },
];
export const fleetResources = [{ name: 'memberclusters', kind: 'MemberCluster', namespaced: false, verbs }];

let version = 10;
export const node = (name: string, location: string, labels: Record<string, string> = {}): KubernetesObject => ({
  metadata: { name, resourceVersion: `${version++}`, labels: { [region]: location, ...labels } },
});
export const configMap = (namespace: string, name: string, location: string) => ({
  metadata: { namespace, name, resourceVersion: `${version++}` },
  data: { region: location },
});

export class WatcherUnderTest {
  readonly clock = new FakeClock();
  readonly log = new LogJournal();
  /** The followers that were told, each time. */
  readonly changes = new Journal<string[]>();
  readonly server: ScriptedApiServer;
  readonly watcher: ValueWatcher;
  readonly #cluster: KubeClient;

  private constructor(server: ScriptedApiServer) {
    this.server = server;
    this.#cluster = createKubeClient(server.kubeConfig);
    this.watcher = createValueWatcher({
      cluster: this.#cluster,
      allowed: ['nodes', 'configmaps', 'memberclusters.cluster.kubernetes-fleet.io'],
      onChange: (followers) => this.changes.push([...followers].sort()),
      clock: this.clock,
      random: () => 0,
      log: { ...this.log, debug: () => undefined },
    });
  }

  static async start(): Promise<WatcherUnderTest> {
    return new WatcherUnderTest(await ScriptedApiServer.start());
  }

  async stop(): Promise<void> {
    this.watcher.close();
    await this.#cluster.close();
    await this.server.stop();
  }

  /** The next request for this path that is no watch. */
  next(path: string): Promise<Asked> {
    return this.server.requests.next((asked) => asked.url.pathname === path && !asked.isWatch);
  }

  async discovered(): Promise<void> {
    (await this.next('/api/v1')).json({ resources: coreResources });
  }

  async watched(): Promise<Asked> {
    const watch = await this.server.nextWatch();
    watch.open();
    return watch;
  }

  /** `a` follows all nodes, which are `n1` in eastus and `n2`, for web, in westeurope. */
  async followsNodes(): Promise<Asked> {
    this.watcher.follow('registries/a', [ofNodes()]);
    await this.discovered();
    (await this.next('/api/v1/nodes')).list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' })], '5');
    await this.told();
    return this.watched();
  }

  /** A follower was told. */
  async told(): Promise<void> {
    await this.changes.next();
  }

  /** The answer to the last request was handled: the next attempt is planned. */
  async timerIsSet(): Promise<void> {
    while (this.clock.nextIn === undefined) await settled();
  }

  /** All requests so far. */
  asked(): string[] {
    return this.server.requests.all.map(({ url, isWatch }) => `${isWatch ? 'WATCH' : 'GET'} ${url.pathname}`);
  }

  /** The names of the objects by value, or the state if the query is not synced. */
  valuesOf(query: ValueQuery): unknown {
    const values = this.watcher.read(query);
    if (values.state !== 'Synced') return values.state;
    return Object.fromEntries([...values.values].map(([value, { names }]) => [value, names.join()]));
  }
}
