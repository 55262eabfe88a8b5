// What most scenarios need: the emulated Azure and an API server in processes of their own, a client, and the operator as in the image.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  group,
  kind,
  plural,
  type RegistryReplication,
  type Spec,
  version,
} from '../../src/api/registryreplication.ts';
import { collectionPath } from '../../src/kubernetes/client/collection.ts';
import { type ArmOptions, registryAt } from './arm.ts';
import { imageStart } from './image.ts';
import { type MeasuredOperator, startMeasured } from './measured-operator.ts';
import { client, type Send, startArm, startKubernetes, watch } from './processes.ts';

/** Where usual objects have their replicas; the registries' home is eastus. */
export const fiveRegions = ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];

export interface Setup {
  readonly arm: Awaited<ReturnType<typeof startArm>>;
  readonly kubeconfig: string;
  /** With up to 16 requests at once. */
  readonly send: Send;
  /** What a process needs to reach the emulated Azure and the API server. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves to the object of this name, in any namespace, once a watch shows that it fits. */
  seen(name: string, fits: (object: RegistryReplication) => boolean): Promise<RegistryReplication>;
  /** Resolves when it has started. It ends with the scenario. */
  operator(...args: readonly string[]): Promise<MeasuredOperator>;
}

export async function setUp(ended: AsyncDisposableStack, options: ArmOptions): Promise<Setup> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  ended.defer(() => rm(directory, { recursive: true, force: true }));
  const arm = await startArm(ended, options);
  const kubeconfig = await startKubernetes(ended, directory);
  const certificate = join(directory, 'arm.pem');
  await writeFile(certificate, arm.certificate);
  const image = await imageStart(directory);
  const environment = { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate };
  return {
    arm,
    kubeconfig,
    send: await client(kubeconfig, 16),
    environment,
    seen: await follow(ended, kubeconfig),
    async operator(...args) {
      const operator = startMeasured({ ...image, args, env: { ...image.env, ...environment } });
      ended.defer(async () => void (operator.isRunning() && (await operator.stop('SIGKILL'))));
      await operator.logged(({ msg }) => msg === 'The operator has started');
      return operator;
    },
  };
}

async function follow(ended: AsyncDisposableStack, kubeconfig: string): Promise<Setup['seen']> {
  const latest = new Map<string | undefined, RegistryReplication>();
  const waiting = new Map<string | undefined, (object: RegistryReplication) => void>();
  await watch<RegistryReplication>(
    ended,
    { kubeconfig, path: collectionPath({ group, version, plural }) },
    (object) => {
      const { name } = object.metadata;
      latest.set(name, object);
      waiting.get(name)?.(object);
    },
  );
  return (name, fits) =>
    new Promise((resolve) => {
      const check = (object: RegistryReplication) => {
        if (!fits(object)) return;
        waiting.delete(name);
        resolve(object);
      };
      waiting.set(name, check);
      const object = latest.get(name);
      if (object) check(object);
    });
}

export const collection = collectionOf('default');

export function collectionOf(namespace: string): string {
  return collectionPath({ group, version, plural }, namespace);
}

export async function createNamespace(send: Send, name: string): Promise<void> {
  await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

/** Creates the object of registry number `index`, named after it. Resolves to the time of the response, in ns by process.hrtime. */
export async function createObject(
  send: Send,
  index: number,
  spec: Omit<Spec, 'registry'> & Partial<Pick<Spec, 'registry'>>,
  namespace = 'default',
): Promise<bigint> {
  const registry = registryAt(index);
  const { answered } = await send('POST', collectionOf(namespace), {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name: registry.name },
    spec: { registry, ...spec },
  });
  return answered;
}

export function listing(locations: readonly string[]): Pick<Spec, 'regions'> {
  return { regions: locations.map((location) => ({ location })) };
}

/** Ready for its latest edit. */
export function isReady({ metadata, status }: RegistryReplication): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
}

/** Runs `run` for 0 to count - 1, 16 at a time. */
export async function inLanes(count: number, run: (index: number) => Promise<unknown>): Promise<void> {
  const lane = async (first: number) => {
    for (let index = first; index < count; index += 16) await run(index);
  };
  await Promise.all(Array.from({ length: 16 }, (_, first) => lane(first)));
}
