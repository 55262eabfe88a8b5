// Runs the emulators of ARM and of the API server for the soak, in a process of its own, so that their memory is not measured. Its
// parent advances their time, and asks for what people and machines change there.
import { writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { stop as stopEsbuild } from 'esbuild';
import { bundle } from '../../scripts/build.ts';
import {
  annotation,
  group,
  kind,
  type RegistryReplication,
  type Spec,
  version,
} from '../../src/api/registryreplication.ts';
import { defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import { FakeClock } from '../fake-clock.ts';
import { client } from './processes.ts';
import { collection, listing } from './setup.ts';

/** What the parent may call. */
export type SoakCluster = Awaited<ReturnType<typeof startSoakCluster>>;

/** A message from the parent, answered by a {@link Reply} of the same id. */
export interface Call {
  readonly id: number;
  readonly name: keyof SoakCluster;
  readonly args: readonly unknown[];
}

export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

const home = 'eastus';
const namespace = 'default';
const account = 'registries';
const crd = new URL('../../crds/registryreplications.yaml', import.meta.url).pathname;

/** @param start ISO time; @param kubeconfig where the kubeconfig is written */
async function startSoakCluster(start: string, kubeconfig: string) {
  const clock = new FakeClock(start);
  const arm = await startArmEmulator({ clock, timings: realistic });
  const kubernetes = await startKubernetesEmulator({ clock, crds: [crd] });
  await writeFile(kubeconfig, kubernetes.kubeconfig, { mode: 0o600 });
  const send = await client(kubeconfig);
  /** The regions in which each registry must have replicas. */
  const expected = new Map<string, readonly string[]>();
  const registryOf = (name: string) => ({ subscriptionId: defaultSubscriptionId, resourceGroup: 'soak', name });
  const listObjects = async () => (await send<{ items: RegistryReplication[] }>('GET', collection)).object.items;

  return {
    /** Bundles the operator as in the image, but without its program. */
    async bundleOperator(outfile: string): Promise<void> {
      await bundle('test/bench/soak-operator.ts', outfile);
      await stopEsbuild();
    },

    environment: () => arm.environment,
    certificate: () => arm.certificate,

    /** Resolves to the ms until the next timer is due, when everything that came due has been sent. */
    async advance(ms: number): Promise<number | undefined> {
      await clock.advance(ms);
      await turn();
      return clock.nextIn;
    },

    /** A ServiceAccount that is federated with a client of its own in Entra. */
    async createAccount(): Promise<void> {
      const clientId = '33333333-3333-3333-3333-333333333333';
      arm.register(clientId);
      const annotations = { 'azure.workload.identity/client-id': clientId };
      const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, annotations } };
      await send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, body);
    },

    async create(name: string, regions: readonly string[], how: 'plain' | 'own identity' | 'follows nodes') {
      arm.azure.addRegistry(registryOf(name), { location: home });
      const spec: Spec = {
        registry: registryOf(name),
        ...listing(regions),
        ...(how === 'own identity' && { identity: { serviceAccountName: account } }),
        ...(how === 'follows nodes' && { regionsFrom: [{ nodes: {} }], keepUnused: '10m' }),
      };
      expected.set(name, regions);
      await send('POST', collection, { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec });
    },

    async edit(name: string, regions: readonly string[]): Promise<void> {
      expected.set(name, regions);
      await send('PATCH', `${collection}/${name}`, { spec: listing(regions) });
    },

    async requestReconcile(name: string, value: string): Promise<void> {
      const annotations = { [annotation.reconcileRequestedAt]: value };
      await send('PATCH', `${collection}/${name}`, { metadata: { annotations } });
    },

    async remove(name: string): Promise<void> {
      expected.delete(name);
      await send('DELETE', `${collection}/${name}`);
    },

    removeRegistry: (name: string) => arm.azure.removeRegistry(registryOf(name)),
    removeReplica: (name: string, location: string) => arm.azure.removeReplica(registryOf(name), location),

    /** @param follower the object that must have a replica in the node's region from now on */
    async addNode(location: string, follower: string): Promise<void> {
      expected.set(follower, [...new Set([...(expected.get(follower) ?? []), location])]);
      const labels = { 'topology.kubernetes.io/region': location };
      await send('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: location, labels } });
    },

    async removeNode(location: string, follower: string): Promise<void> {
      expected.set(follower, expected.get(follower)?.filter((one) => one !== location) ?? []);
      await send('DELETE', `/api/v1/nodes/${location}`);
    },

    /** Ends the watches; with `compact` they cannot resume. */
    endWatches(compact: boolean): void {
      if (compact) kubernetes.compact();
      kubernetes.closeWatches();
    },

    endIdleConnections: () => arm.endConnections(),

    beginOutage(how: 'error' | 'reset'): void {
      arm.azure.faults.set('outage', how === 'error' ? { kind: 'error', status: 503 } : { kind: 'reset' });
    },

    /** Returns the number of requests that it has affected. */
    endOutage(): number {
      arm.azure.faults.remove('outage');
      return arm.journal.entries.filter(({ faults }) => faults?.length).length;
    },

    /** The objects that are not as they should be, with what they are; empty when all is Ready. */
    async unsettled(): Promise<string[]> {
      const objects = await listObjects();
      const there = new Set(objects.map(({ metadata }) => metadata.name));
      const missing = [...expected.keys()].filter((name) => !there.has(name));
      return [...missing, ...objects.flatMap((object) => problemOf(object) ?? [])];
    },

    /** The requests at ARM and for tokens since the last call, and all connections so far. */
    requests() {
      const tokens = arm.journal.entries.filter(({ endpoint, method }) => endpoint === 'token' && method === 'POST');
      const atArm = arm.journal.entries.filter(({ endpoint }) => endpoint !== 'token');
      arm.journal.clear();
      return { armRequests: atArm.length, tokens: tokens.length, connections: arm.connections.accepted };
    },

    /** Scrapes the metrics and asks both probes, as a cluster does. Resolves to the passes so far. */
    async scrape({ metricsPort, healthPort }: { metricsPort: number; healthPort: number }): Promise<number> {
      for (const path of ['livez', 'readyz']) {
        const { ok, status } = await fetch(`http://127.0.0.1:${healthPort}/${path}`);
        if (!ok) throw new Error(`/${path} answered ${status}`);
      }
      const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const results = page.matchAll(/^controller_runtime_reconcile_total\{.*\} (\d+)$/gm);
      return Array.from(results, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
    },
  };

  function problemOf({ metadata, spec, status }: RegistryReplication): string | undefined {
    const { name } = metadata;
    const wanted = expected.get(name);
    if (!wanted) return `${name} is not gone`;
    const asked = metadata.annotations?.[annotation.reconcileRequestedAt];
    const isObserved = status?.observedGeneration === metadata.generation && status?.lastHandledReconcileAt === asked;
    if (!isObserved || status?.phase !== 'Ready') return `${name} is ${status?.phase}, ${JSON.stringify(status?.plan)}`;
    const replicas = arm.azure.replicas(spec.registry).filter(({ location }) => location !== home);
    const found = replicas.map(({ location, stage }) => (stage.kind === 'Ready' ? location : stage.kind));
    return found.sort().join() === wanted.toSorted().join() ? undefined : `${name} has replicas in ${found}`;
  }
}

if (import.meta.main) {
  const [, , start = '', kubeconfig = ''] = process.argv;
  const cluster = await startSoakCluster(start, kubeconfig);
  const reply = (message: Reply) => void process.send?.(message);
  const call = async ({ name, args }: Call): Promise<unknown> =>
    (cluster[name] as (...args: readonly unknown[]) => unknown)(...args);
  process.on('message', (message: Call) => {
    const { id } = message;
    call(message).then(
      (result) => reply({ id, result }),
      (error: unknown) => reply({ id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  reply({ id: 0, result: undefined });
}
