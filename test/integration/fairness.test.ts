// Two hundred new objects of one namespace while ARM does not answer: what the objects of other namespaces wait for. No time is
// asserted, only the order of requests.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { annotation, group, kind, plural, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { type ArmEmulator, defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import { kubeApi } from '../kube-api.ts';
import { type Operator, startOperator } from '../operator.ts';

const workers = 10;
const crowd = Array.from({ length: 200 }, (_, n) => `crowd${n}`);
/** A pass reads the registry and its replicas side by side. */
const readsOfPass = 2;

/** ARM's clock: delayed responses are held until the test releases them. */
class HeldClock implements Clock {
  #held: (() => void)[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  now(): Date {
    return new Date();
  }

  after(_ms: number, call: () => void): () => void {
    this.#held.push(call);
    if (this.#held.length === this.#waiting?.count) this.#waiting.resolve();
    return () => undefined;
  }

  /** Resolves when so many responses are held. */
  untilHeld(count: number): Promise<void> {
    if (this.#held.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
    });
  }

  release(): void {
    for (const call of this.#held.splice(0)) call();
  }
}

describe('beside 200 new objects of one namespace, while ARM answers none', () => {
  const clock = new HeldClock();
  let directory: string;
  let arm: ArmEmulator;
  let server: TestCluster;
  let cluster: KubeClient;
  let objects: CustomObjectsApi;
  let operator: Operator;
  let metricsUrl: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairness-'));
    [arm, server] = await Promise.all([startArmEmulator({ timings: instant, clock }), startCluster()]);
    cluster = createKubeClient(loadKubeConfig(server.kubeconfig));
    objects = kubeApi(cluster, CustomObjectsApi);
    for (const name of ['crowd', 'bystander', 'third'])
      await kubeApi(cluster, CoreV1Api).createNamespace({ body: { metadata: { name } } });
    for (const name of [...crowd, 'bystander', 'third'])
      arm.azure.addRegistry(registryOf(name), { location: 'eastus' });
    const certificate = join(directory, 'arm.pem');
    await writeFile(certificate, arm.certificate);
    operator = startOperator({
      args: ['--concurrency', String(workers), '--metrics-secure=false'],
      env: { ...arm.environment, KUBECONFIG: server.kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
    });
    const { metricsPort } = await operator.logged((line) => line.metricsPort !== undefined);
    metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    for (const name of ['bystander', 'third']) await create(name, name);
    // Then nothing but a request wakes them.
    for (const name of ['bystander', 'third']) await untilReady(name);
  });
  after(async () => {
    arm?.azure.faults.clear();
    clock.release();
    if (operator?.isRunning()) await operator.stop();
    await cluster?.close();
    await Promise.all([arm?.close(), server?.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  it('a bystander gets a worker at once, and a third one the next turn', async () => {
    await untilQueued(0);
    arm.azure.faults.add({ kind: 'latency', ms: 1_000, endpoints: ['registry', 'replicas'] });
    await Promise.all(crowd.map((name) => create('crowd', name)));
    // The crowd has all workers but one.
    await clock.untilHeld((workers - 1) * readsOfPass);
    await untilQueued(crowd.length - (workers - 1));
    await requestReconcile('bystander');
    await clock.untilHeld(workers * readsOfPass);

    await requestReconcile('third');
    await untilQueued(crowd.length - (workers - 1) + 1);
    arm.azure.faults.clear();
    const released = process.hrtime.bigint();
    clock.release();
    const arrival = await answered('third', released);
    const before = arm.journal.entries.filter((one) => one.arrival > released && one.arrival < arrival);
    const served = new Set(before.flatMap(({ registry = [] }) => registry));
    expect(served.size, `served before it: ${[...served].join(', ')}`).to.be.at.most(2 * workers);
    const all = arm.journal.entries.filter(({ registry }) => registry === 'bystander');
    expect(all.at(-1)?.status, 'the bystander was answered').to.equal(200);
  });

  function registryOf(name: string) {
    return { subscriptionId: defaultSubscriptionId, resourceGroup: 'images', name };
  }

  function create(namespace: string, name: string): Promise<unknown> {
    const spec = { registry: registryOf(name), regions: [{ location: 'japaneast' }] };
    const body = { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
    return objects.createNamespacedCustomObject({ group, version, namespace, plural, body });
  }

  async function requestReconcile(name: string): Promise<void> {
    const of = { group, version, namespace: name, plural, name };
    const object = await objects.getNamespacedCustomObject(of);
    const annotations = { ...object.metadata.annotations, [annotation.reconcileRequestedAt]: 'now' };
    await objects.replaceNamespacedCustomObject({
      ...of,
      body: { ...object, metadata: { ...object.metadata, annotations } },
    });
  }

  async function untilReady(name: string): Promise<void> {
    for (;;) {
      const { status } = await objects.getNamespacedCustomObject({ group, version, namespace: name, plural, name });
      if (status?.phase === 'Ready') return;
    }
  }

  /** Resolves to the arrival of the registry's first request since then, once it is answered. */
  async function answered(registry: string, since: bigint): Promise<bigint> {
    for (;;) {
      const first = arm.journal.entries.find((one) => one.registry === registry && one.arrival > since);
      if (first) return first.arrival;
      await arm.journal.next();
    }
  }

  /** Resolves when so many keys wait for a worker: the operator has seen what was written. */
  async function untilQueued(keys: number): Promise<void> {
    for (;;) {
      const metrics = await (await fetch(metricsUrl)).text();
      if (Number(/^workqueue_depth\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]) === keys) return;
    }
  }
});
