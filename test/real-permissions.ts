// Gives a service account permissions at a real API server, takes them away, and waits until the authorizer knows.
import { AuthorizationV1Api, type KubernetesObject, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { isNotFound } from '../src/kubernetes/client/errors.ts';
import type { Account, Permission } from './access.ts';
import { kubeApi } from './kube-api.ts';
import { eventually } from './real-api-server.ts';

/** A permission for a resource, or to get a non-resource path. */
export type Right = Permission | { readonly path: string };

export interface RealPermissions {
  /** Resolves when the account has all these permissions. */
  until(account: Account, rights: readonly Right[]): Promise<void>;
  permit(account: Account, rights: readonly Right[]): Promise<void>;
  /** Takes `permit` back. */
  forbid(account: Account, rights: readonly Right[]): Promise<void>;
}

const apiGroup = 'rbac.authorization.k8s.io';

/** @param kubeconfig A file with all rights. */
export function realPermissions(kubeconfig: string): RealPermissions {
  async function withAdmin(run: (cluster: KubeClient) => Promise<void>): Promise<void> {
    const cluster = createKubeClient(loadKubeConfig(kubeconfig));
    await run(cluster);
    await cluster.close();
  }
  return {
    until: (account, rights) => withAdmin((cluster) => untilAllowed(cluster, account, rights, true)),
    permit: (account, rights) =>
      withAdmin(async (cluster) => {
        for (const right of rights) await bind(cluster, account, right);
        await untilAllowed(cluster, account, rights, true);
      }),
    forbid: (account, rights) =>
      withAdmin(async (cluster) => {
        for (const right of rights) await unbind(cluster, account, right);
        await untilAllowed(cluster, account, rights, false);
      }),
  };
}

async function untilAllowed(cluster: KubeClient, account: Account, rights: readonly Right[], wanted: boolean) {
  const api = kubeApi(cluster, AuthorizationV1Api);
  for (const right of rights) {
    const spec = { user: `system:serviceaccount:${account.namespace}:${account.name}`, ...attributesOf(right) };
    await eventually(async () => {
      const { status } = await api.createSubjectAccessReview({ body: { spec } });
      return (status?.allowed ?? false) === wanted;
    });
  }
}

async function bind(cluster: KubeClient, account: Account, right: Right): Promise<void> {
  const api = kubeApi(cluster, RbacAuthorizationV1Api);
  const metadata = { name: nameOf(account, right) };
  const roleRef = { apiGroup, kind: 'ClusterRole', name: metadata.name };
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  await api.createClusterRole({ body: { metadata, rules: [ruleOf(right)] } });
  const namespace = namespaceOf(right);
  if (namespace === undefined) await api.createClusterRoleBinding({ body: { metadata, roleRef, subjects } });
  else await api.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef, subjects } });
}

async function unbind(cluster: KubeClient, account: Account, right: Right): Promise<void> {
  const api = kubeApi(cluster, RbacAuthorizationV1Api);
  const name = nameOf(account, right);
  const namespace = namespaceOf(right);
  await unlessMissing(
    namespace === undefined
      ? api.deleteClusterRoleBinding({ name })
      : api.deleteNamespacedRoleBinding({ namespace, name }),
  );
  await unlessMissing(api.deleteClusterRole({ name }));
}

async function unlessMissing(deletion: Promise<KubernetesObject>): Promise<void> {
  await deletion.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** The same for the same account and right. */
function nameOf(account: Account, right: Right): string {
  const parts =
    'path' in right ? ['get', right.path] : [right.verb, right.group, right.resource, right.namespace ?? ''];
  return [account.namespace, account.name, ...parts]
    .join('-')
    .replaceAll('/', '-')
    .replaceAll(/-+/g, '-')
    .replace(/-$/, '');
}

const namespaceOf = (right: Right) => ('path' in right ? undefined : right.namespace);

function ruleOf(right: Right) {
  if ('path' in right) return { nonResourceURLs: [right.path], verbs: ['get'] };
  const { verb, group, resource, name } = right;
  return {
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
    ...(name !== undefined && { resourceNames: [name] }),
  };
}

/** The attributes of a SubjectAccessReview. */
function attributesOf(right: Right) {
  if ('path' in right) return { nonResourceAttributes: { verb: 'get', path: right.path } };
  const [resource = '', subresource] = right.resource.split('/');
  return { resourceAttributes: { ...right, resource, ...(subresource && { subresource }) } };
}
