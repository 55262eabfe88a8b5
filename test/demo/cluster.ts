// The demo's cluster: an emulated one, or one that the user names. In the latter the demo deletes only the object that it
// created itself.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import {
  crdName,
  finalizer,
  group,
  plural,
  type RegistryReplication,
  version,
} from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { isNotFound } from '../../src/kubernetes/client/errors.ts';
import { nameOf, type ObjectName, type Resource, resource } from '../../src/kubernetes/client/resource.ts';
import { removeFinalizer } from '../../src/kubernetes/controller/finalizer.ts';
import { establish } from '../cluster.ts';
import { startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import { kubeApi } from '../kube-api.ts';

export interface DemoCluster {
  readonly kubeconfig: string;
  readonly cluster: KubeClient;
  readonly replications: Resource<RegistryReplication>;
  /** What the demo and its operator may see; undefined: everything. */
  readonly scope: { readonly namespace: string; readonly labelSelector: string } | undefined;
  /** The object with the labels by which this run knows it. */
  labelled(object: RegistryReplication): RegistryReplication;
  /** Creates the namespace if it is missing, and the object. */
  apply(object: RegistryReplication): Promise<void>;
  /** Deletes what `apply` created in a cluster that outlives the demo; called when the operator has ended. */
  cleanUp(): Promise<void>;
  close(): Promise<void>;
}

/** ms; the demo must not hang on an unreachable cluster when the user ends it. */
const timeoutMs = 5_000;

const crdFile = fileURLToPath(new URL('../../crds/registryreplications.yaml', import.meta.url));

export async function emulatedCluster(directory: string): Promise<DemoCluster> {
  const emulator = await startKubernetesEmulator({ crds: [crdFile] });
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, emulator.kubeconfig, { mode: 0o600 });
  const cluster = createKubeClient(loadKubeConfig(kubeconfig), { timeoutMs });
  return {
    kubeconfig,
    cluster,
    replications: replicationsIn(cluster),
    scope: undefined,
    labelled: (object) => object,
    async apply(object) {
      await kubeApi(cluster, CoreV1Api).createNamespace({ body: { metadata: { name: object.metadata.namespace } } });
      await create(cluster, object);
    },
    cleanUp: () => Promise.resolve(),
    async close() {
      await cluster.close();
      await emulator.close();
    },
  };
}

/** Marks the objects that one run of the demo created. */
const label = `${group}/demo`;

/**
 * @param object Only its namespace, and only objects with this run's label, are watched: the cluster may have objects
 *   whose replicas are in the real Azure, which the emulated one does not know.
 */
export async function userCluster(
  kubeconfig: string,
  object: RegistryReplication,
  say: (text: string) => void,
): Promise<DemoCluster> {
  const cluster = createKubeClient(loadKubeConfig(kubeconfig), { timeoutMs });
  const replications = replicationsIn(cluster);
  const name = nameOf(object);
  // A letter first: YAML takes many a hexadecimal text for a number.
  const run = `run${randomBytes(4).toString('hex')}`;
  say(`The cluster is ${cluster.server}, of ${kubeconfig}; Azure is emulated.`);
  await installCrd(cluster, say);
  const present = await wholeObject(cluster, name);
  if (present) throw new Error(alreadyPresentMessage(present, kubeconfig));
  const labelSelector = `${label}=${run}`;
  say(`The demo and its operator see only objects in the namespace ${name.namespace} with the label ${labelSelector}.`);
  const labelled = (object: RegistryReplication) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, [label]: run } },
  });

  return {
    kubeconfig,
    cluster,
    replications,
    scope: { namespace: name.namespace, labelSelector },
    labelled,
    async apply(object) {
      await createNamespace(cluster, name.namespace, say);
      await create(cluster, labelled(object));
    },
    async cleanUp() {
      const left = await wholeObject(cluster, name);
      if (left?.metadata.labels?.[label] !== run) return;
      const body = { preconditions: { uid: left.metadata.uid ?? '' } };
      await orUndefined(
        kubeApi(cluster, CustomObjectsApi).deleteNamespacedCustomObject({ group, version, plural, ...name, body }),
      );
      // The operator has ended, and so has the Azure that the finalizer protects.
      await removeFinalizer(replications, left, finalizer);
      say(`Deleted ${name.namespace}/${name.name} from the cluster. Its namespace and the CRD stay.`);
    },
    close: () => cluster.close(),
  };
}

async function installCrd(cluster: KubeClient, say: (text: string) => void): Promise<void> {
  if (await orUndefined(kubeApi(cluster, ApiextensionsV1Api).readCustomResourceDefinition({ name: crdName }))) {
    say(`It has the CRD ${crdName} already, which is left as it is.`);
    return;
  }
  say(`Installing the CRD ${crdName}, which it does not have; it stays there afterwards.`);
  // Not with kubectl apply: kubectl refuses CEL rules that an old API server does not know; the server itself does not.
  await establish(cluster, parse(await readFile(crdFile, 'utf8')) as V1CustomResourceDefinition);
}

async function createNamespace(cluster: KubeClient, name: string, say: (text: string) => void): Promise<void> {
  const api = kubeApi(cluster, CoreV1Api);
  if (await orUndefined(api.readNamespace({ name }))) return;
  say(`Creating the namespace ${name}, which stays there afterwards.`);
  await api.createNamespace({ body: { metadata: { name } } });
}

function replicationsIn(cluster: KubeClient): Resource<RegistryReplication> {
  return resource<RegistryReplication>(cluster, { group, version, plural });
}

/** With its labels, which the operator's own client drops. Undefined if there is none. */
async function wholeObject(cluster: KubeClient, name: ObjectName): Promise<RegistryReplication | undefined> {
  return orUndefined(kubeApi(cluster, CustomObjectsApi).getNamespacedCustomObject({ group, version, plural, ...name }));
}

async function create(cluster: KubeClient, body: RegistryReplication): Promise<void> {
  const { namespace } = nameOf(body);
  await kubeApi(cluster, CustomObjectsApi).createNamespacedCustomObject({ group, version, plural, namespace, body });
}

/** Undefined if the API server answers 404. */
async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Why the demo stops, and the remedy. */
function alreadyPresentMessage({ metadata }: RegistryReplication, kubeconfig: string): string {
  const { namespace, name, labels } = metadata;
  const sentence = `georep ${namespace}/${name} is in this cluster already, and this run did not make it.`;
  if (labels?.[label] === undefined) return `${sentence} Use another cluster, or delete it.`;
  const kubectl = `kubectl --kubeconfig ${kubeconfig} -n ${namespace}`;
  const patch = `${kubectl} patch georep ${name} --type=merge -p '{"metadata":{"finalizers":null}}'`;
  return `${sentence} An earlier demo did, and was cut off; remove it with: ${patch}; ${kubectl} delete georep ${name}`;
}
