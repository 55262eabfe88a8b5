// The cluster as a verb sees it: one kubeconfig, context and namespace, chosen as kubectl chooses them, and the objects in it.
import type { EventsV1Event } from '@kubernetes/client-node';
import { group, kind, plural, type RegistryReplication, version } from '../api/registryreplication.ts';
import {
  createKubeClient,
  jsonPatch,
  type KubeClient,
  loadKubeConfig,
  mergePatch,
} from '../kubernetes/client/client.ts';
import { objectPath } from '../kubernetes/client/collection.ts';
import { eventsAbout } from '../kubernetes/client/object-events.ts';
import { resource } from '../kubernetes/client/resource.ts';
import type { PatchOperation } from '../lib/json-patch.ts';
import { CliError } from './session.ts';

/** The flags of kubectl that say where. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly allowHttpApiServer?: boolean;
  /** Of each request; default: 30 s. */
  readonly timeoutMs?: number;
}

export interface Cluster {
  readonly client: KubeClient;
  /** Of the objects that a verb names. */
  readonly namespace: string;
  /** The namespace that a verb lists; undefined with --all-namespaces. */
  readonly scope: string | undefined;
  /** Without labels, annotations and managed fields. */
  list(): Promise<RegistryReplication[]>;
  get(name: string): Promise<RegistryReplication>;
  /** Both resolve to the object as the server stores it, or with `dryRun` would store it. */
  patch(name: string, operations: readonly PatchOperation[], options?: WriteOptions): Promise<RegistryReplication>;
  mergePatch(name: string, patch: object, options?: WriteOptions): Promise<RegistryReplication>;
  /** The events about the object, in no order. */
  events(object: RegistryReplication): Promise<EventsV1Event[]>;
  close(): Promise<void>;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
}

/** Appears in the API server's audit log, and as the manager of the fields that it writes. */
const userAgent = 'kubectl-georep';

/** @throws KubeConfigError */
function connectCluster(options: ClusterOptions): Cluster {
  const { kubeconfig, context, allowHttpApiServer: allowHttp = false, timeoutMs } = options;
  const config = loadKubeConfig(kubeconfig, { allowHttp, ...(context !== undefined && { context }) });
  const client = createKubeClient(config, { userAgent, ...(timeoutMs !== undefined && { timeoutMs }) });
  const namespace = options.namespace ?? client.namespace;
  const scope = options.allNamespaces ? undefined : namespace;
  const objects = { group, version, plural };
  const path = (name: string) => objectPath(objects, { namespace, name });

  const patch = (name: string, body: object, contentType: string, { dryRun = false }: WriteOptions = {}) =>
    client.sendJson<RegistryReplication>('PATCH', path(name), body, {
      contentType,
      query: { ...(dryRun && { dryRun: 'All' }), fieldManager: userAgent },
    });

  return {
    client,
    namespace,
    scope,
    list: async () =>
      (await resource<RegistryReplication>(client, objects).list(scope ? { namespace: scope } : {})).items,
    get: (name) => client.getJson(path(name)),
    patch: (name, operations, options) => patch(name, operations, jsonPatch, options),
    mergePatch: (name, body, options) => patch(name, body, mergePatch, options),
    events: (object) => eventsAbout(client, kind, object),
    close: () => client.close(),
  };
}

/** Runs `use` on the cluster that the flags name, and closes its connections. */
export async function withCluster<T>(options: ClusterOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = connectCluster(options);
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

/**
 * The named object, or all of the namespace.
 * @throws CliError for a name and --all-namespaces, which kubectl refuses too.
 */
export async function objectsOf(cluster: Cluster, name: string | undefined): Promise<RegistryReplication[]> {
  if (name === undefined) return cluster.list();
  return [await objectOf(cluster, name)];
}

/** @throws CliError with --all-namespaces. */
export async function objectOf(cluster: Cluster, name: string): Promise<RegistryReplication> {
  if (cluster.scope === undefined) throw new CliError('--all-namespaces makes no sense with the name of one object');
  return cluster.get(name);
}

/** ` in namespace registries`, the end of a sentence that says what was not found. Empty with --all-namespaces. */
export function inScope({ scope }: Cluster): string {
  return scope === undefined ? '' : ` in namespace ${scope}`;
}
