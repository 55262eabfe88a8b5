// Starts an API server for tests: the emulator, or a real one if KUBEBUILDER_ASSETS names a directory with kube-apiserver and
// etcd (the variable of controller-runtime's envtest). Tests do not see which, except for faults that only the emulator has.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { isNotFound, isUnavailable } from '../src/kubernetes/client/errors.ts';
import type { Access, Account, Permission } from './access.ts';
import { startKubernetesEmulator } from './emulators/kubernetes/emulator.ts';
import { kubeApi } from './kube-api.ts';
import { eventually, type RealApiServer, startRealApiServer } from './real-api-server.ts';
import { type Right, realPermissions } from './real-permissions.ts';

export interface TestCluster {
  /** A kubeconfig file with all rights. */
  readonly kubeconfig: string;
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** A real API server enforces RBAC; on the emulator every user has all rights that `forbid` does not take away. */
  readonly hasRoles: boolean;
  /**
   * A kubeconfig in YAML with a token of the service account and its namespace as the default. On a real API server the
   * account must exist; the emulator takes the name for a user.
   */
  kubeconfigOf(account: Account): Promise<string>;
  /** Lets the service account get this non-resource path. */
  grant(account: Account, path: string): Promise<void>;
  /**
   * Resolves when the service account has all these permissions. A real authorizer learns of roles and bindings a moment
   * after they are stored, and refuses until then.
   */
  untilPermitted(account: Account, rights: readonly Right[]): Promise<void>;
  /**
   * Takes these permissions away: requests that they allow get 403, and open watches go on. On a real API server it undoes
   * `permit`, so rights that a test wants both ways must come from there and not from a role of the manifests.
   */
  forbid(account: Account, permissions: readonly Permission[]): Promise<void>;
  /** Gives them (back). */
  permit(account: Account, permissions: readonly Permission[]): Promise<void>;
  /**
   * The service account's requests so far, from the audit log. On a real API server these are the requests that have been answered,
   * and the watches that have ended.
   */
  accessesOf(account: Account): Promise<AuditedAccess[]>;
  /** Faults of the emulator; undefined on a real API server. */
  readonly faults: { closeWatches(): void; compact(answer?: 'event' | 'status'): void } | undefined;
  /** The process of a real API server; undefined on the emulator. */
  readonly server: Pick<RealApiServer, 'kill' | 'start' | 'compact'> | undefined;
  close(): Promise<void>;
}

export interface AuditedAccess extends Access {
  /** Refused by the authorizer. */
  readonly isForbidden: boolean;
}

const ourCrd = fileURLToPath(new URL('../crds/registryreplications.yaml', import.meta.url));

/** @param crds YAML files with one CustomResourceDefinition each, established when this resolves; default: our own. */
export async function startCluster({ crds = [ourCrd] }: { crds?: readonly string[] } = {}): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'cluster-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const assets = process.env.KUBEBUILDER_ASSETS;
  const started = assets ? await startRealCluster(assets, directory) : await startEmulator();
  await writeFile(kubeconfig, started.kubeconfig, { mode: 0o600 });
  const close = async () => {
    await started.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const cluster = createKubeClient(loadKubeConfig(kubeconfig));
    for (const file of crds) await establish(cluster, parse(await readFile(file, 'utf8')));
    await cluster.close();
  } catch (error) {
    await close();
    throw error;
  }
  return { ...started, kubeconfig, close };
}

/** Creates a CustomResourceDefinition and waits until its objects can be listed. */
export async function establish(cluster: KubeClient, body: V1CustomResourceDefinition): Promise<void> {
  const api = kubeApi(cluster, ApiextensionsV1Api);
  const name = body.metadata?.name ?? '';
  // Sent as plain JSON: client-node's class for it drops fields that TypeScript names differently (enum, default, CEL).
  const [group, version] = ['apiextensions.k8s.io', 'v1'];
  await kubeApi(cluster, CustomObjectsApi).createClusterCustomObject({
    group,
    version,
    plural: 'customresourcedefinitions',
    body,
  });
  await eventually(async () => {
    const { status } = await api.readCustomResourceDefinition({ name });
    return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
  });
  // The server serves the objects a moment after the definition is established.
  await eventually(() => isServed(cluster, body));
}

async function isServed(cluster: KubeClient, { spec }: V1CustomResourceDefinition): Promise<boolean> {
  const { group, names, versions } = spec;
  const [version = ''] = versions.flatMap(({ name, served }) => (served ? [name] : []));
  try {
    await kubeApi(cluster, CustomObjectsApi).listClusterCustomObject({ group, version, plural: names.plural });
    return true;
  } catch (error) {
    if (isNotFound(error) || isUnavailable(error)) return false;
    throw error;
  }
}

/** With YAML in `kubeconfig` instead of a file name. */
type Started = TestCluster;

const userOf = ({ namespace, name }: Account) => `system:serviceaccount:${namespace}:${name}`;

async function startEmulator(): Promise<Started> {
  const emulator = await startKubernetesEmulator();
  return {
    ...emulator,
    hasRoles: false,
    kubeconfigOf: async (account) => emulator.kubeconfigOf(userOf(account), account.namespace),
    grant: async (account, path) => emulator.grant(userOf(account), path),
    untilPermitted: async () => undefined,
    async forbid(account, permissions) {
      for (const permission of permissions) emulator.forbid(userOf(account), permission);
    },
    async permit(account, permissions) {
      for (const permission of permissions) emulator.permit(userOf(account), permission);
    },
    accessesOf: async (account) =>
      emulator.audit.filter(({ user }) => user === userOf(account)).map(({ user, ...access }) => access),
    faults: emulator,
    server: undefined,
  };
}

async function startRealCluster(assets: string, directory: string): Promise<Started> {
  const server = await startRealApiServer({ assets, directory });
  const permissions = realPermissions(server.kubeconfigFile);
  return {
    ...server,
    untilPermitted: permissions.until,
    permit: permissions.permit,
    forbid: permissions.forbid,
    grant: (account, path) => permissions.permit(account, [{ path }]),
    hasRoles: true,
    async kubeconfigOf(account) {
      const cluster = createKubeClient(configFrom(server.kubeconfig));
      const body = { spec: { audiences: [], expirationSeconds: 3600 } };
      const { status } = await kubeApi(cluster, CoreV1Api).createNamespacedServiceAccountToken({ ...account, body });
      await cluster.close();
      return server.kubeconfigWith(status?.token ?? '', account.namespace);
    },
    async accessesOf(account) {
      // After the last newline there may be a line that is still being written.
      const lines = (await readFile(server.auditLog, 'utf8')).split('\n').slice(0, -1);
      const events = lines.map((line) => JSON.parse(line) as AuditEvent);
      const requests = new Map(events.map((event) => [event.auditID, event]));
      return [...requests.values()].filter(({ user }) => user.username === userOf(account)).flatMap(auditedAccess);
    },
    faults: undefined,
    server,
  };
}

function configFrom(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

/** The fields of an audit.k8s.io/v1 Event that are used here. */
interface AuditEvent {
  /** The same for all events of one request. */
  readonly auditID: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  /** Undefined for non-resource paths such as /version. */
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly annotations?: Readonly<Record<string, string>>;
}

function auditedAccess({ verb, objectRef, annotations }: AuditEvent): AuditedAccess[] {
  if (!objectRef) return [];
  const { apiGroup = '', resource, subresource, namespace, name } = objectRef;
  return [
    {
      verb,
      group: apiGroup,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
      // The status is not enough: 403 is also the answer to an event in a namespace that is being deleted.
      isForbidden: annotations?.['authorization.k8s.io/decision'] === 'forbid',
    },
  ];
}
