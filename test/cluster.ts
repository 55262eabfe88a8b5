// An API server for tests that talk to one: the emulator or, where KUBEBUILDER_ASSETS names a directory with kube-apiserver
// and etcd, the real thing (the variable that controller-runtime's envtest uses). Tests do not see which, but for what only
// an emulator can be told to do.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ApiextensionsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  RbacAuthorizationV1Api,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { isNotFound, isUnavailable } from '../src/kubernetes/client/errors.ts';
import type { Access, Account, Permission } from './access.ts';
import { startKubernetesEmulator } from './emulators/kubernetes/emulator.ts';
import { eventually, startRealApiServer } from './real-api-server.ts';

export interface TestCluster {
  /** A kubeconfig file with all rights. */
  readonly kubeconfig: string;
  /** Where it listens, `https://127.0.0.1:port`. */
  readonly url: string;
  /** The real thing asks its roles what an account may do; on the emulator everybody may do everything. */
  readonly hasRoles: boolean;
  /**
   * YAML with a token of the service account, its context the account's namespace. On the real thing the account must be
   * there; the emulator has none, and takes the name for a user.
   */
  kubeconfigOf(account: Account): Promise<string>;
  /** Lets the service account get this path, which is no resource. */
  grant(account: Account, path: string): Promise<void>;
  /**
   * Resolves once the service account may do all of this. The real thing's authorizer hears of roles and bindings a moment
   * after they are stored, and refuses until then.
   */
  untilPermitted(account: Account, permissions: readonly (Permission | { readonly path: string })[]): Promise<void>;
  /** What the service account has asked the server so far, by its audit log. */
  accessesOf(account: Account): Promise<AuditedAccess[]>;
  /** What only the emulator can be told to do; undefined on the real thing. */
  readonly faults: { closeWatches(): void; compact(answer?: 'event' | 'status'): void } | undefined;
  close(): Promise<void>;
}

export interface AuditedAccess extends Access {
  /** Refused for want of a right. */
  readonly isForbidden: boolean;
}

const ourCrd = fileURLToPath(new URL('../crds/registryreplications.yaml', import.meta.url));

/** @param crds YAML files, one CustomResourceDefinition each, established when this resolves; our own by default. */
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
  const api = cluster.api(ApiextensionsV1Api);
  const name = body.metadata?.name ?? '';
  // Sent as it is: client-node's class of its own for it drops what TypeScript has other names for (enum, default, CEL).
  const [group, version] = ['apiextensions.k8s.io', 'v1'];
  await cluster
    .api(CustomObjectsApi)
    .createClusterCustomObject({ group, version, plural: 'customresourcedefinitions', body });
  await eventually(async () => {
    const { status } = await api.readCustomResourceDefinition({ name });
    return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
  });
  // Whoever serves the objects hears of that a moment later, and knows no such path until then.
  await eventually(() => isServed(cluster, body));
}

async function isServed(cluster: KubeClient, { spec }: V1CustomResourceDefinition): Promise<boolean> {
  const { group, names, versions } = spec;
  const [version = ''] = versions.flatMap(({ name, served }) => (served ? [name] : []));
  try {
    await cluster.api(CustomObjectsApi).listClusterCustomObject({ group, version, plural: names.plural });
    return true;
  } catch (error) {
    if (isNotFound(error) || isUnavailable(error)) return false;
    throw error;
  }
}

/** With YAML in place of a file. */
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
    accessesOf: async (account) =>
      emulator.audit
        .filter(({ user }) => user === userOf(account))
        .map(({ user, ...access }) => ({ ...access, isForbidden: false })),
    faults: emulator,
  };
}

async function startRealCluster(assets: string, directory: string): Promise<Started> {
  const server = await startRealApiServer({ assets, directory });
  const untilPermitted: TestCluster['untilPermitted'] = async (account, permissions) => {
    const cluster = createKubeClient(configFrom(server.kubeconfig));
    const api = cluster.api(AuthorizationV1Api);
    for (const permission of permissions) {
      const spec = { user: userOf(account), ...attributesOf(permission) };
      await eventually(async () => (await api.createSubjectAccessReview({ body: { spec } })).status?.allowed ?? false);
    }
    await cluster.close();
  };
  return {
    ...server,
    untilPermitted,
    hasRoles: true,
    async kubeconfigOf(account) {
      const cluster = createKubeClient(configFrom(server.kubeconfig));
      const body = { spec: { audiences: [], expirationSeconds: 3600 } };
      const { status } = await cluster.api(CoreV1Api).createNamespacedServiceAccountToken({ ...account, body });
      await cluster.close();
      return server.kubeconfigWith(status?.token ?? '', account.namespace);
    },
    async grant(account, path) {
      const name = `${account.namespace}-${account.name}-${path.replaceAll('/', '-')}`;
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
      const cluster = createKubeClient(configFrom(server.kubeconfig));
      const api = cluster.api(RbacAuthorizationV1Api);
      await api.createClusterRole({
        body: { metadata: { name }, rules: [{ nonResourceURLs: [path], verbs: ['get'] }] },
      });
      const subjects = [{ kind: 'ServiceAccount', ...account }];
      await api.createClusterRoleBinding({ body: { metadata: { name }, roleRef, subjects } });
      await cluster.close();
      await untilPermitted(account, [{ path }]);
    },
    async accessesOf(account) {
      // What follows the last newline is a line that is just being written.
      const lines = (await readFile(server.auditLog, 'utf8')).split('\n').slice(0, -1);
      const events = lines.map((line) => JSON.parse(line) as AuditEvent);
      const first = new Map(events.map((event) => [event.auditID, event]));
      return [...first.values()].filter(({ user }) => user.username === userOf(account)).flatMap(auditedAccess);
    },
    faults: undefined,
  };
}

/** As a SubjectAccessReview asks. */
function attributesOf(permission: Permission | { readonly path: string }) {
  if ('path' in permission) return { nonResourceAttributes: { verb: 'get', path: permission.path } };
  const [resource = '', subresource] = permission.resource.split('/');
  return { resourceAttributes: { ...permission, resource, ...(subresource && { subresource }) } };
}

function configFrom(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

/** What is used here of an audit.k8s.io/v1 Event. */
interface AuditEvent {
  /** The same of all events of one request. */
  readonly auditID: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  /** Left out for what is no resource, as /version. */
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
      // Not by the status: 403 is also the answer to an event in a namespace that is being deleted.
      isForbidden: annotations?.['authorization.k8s.io/decision'] === 'forbid',
    },
  ];
}
