// The operator's deployment in a cluster as deploy/ defines it: its namespace, service account and permissions.
import { readFile } from 'node:fs/promises';
import { CoreV1Api } from '@kubernetes/client-node';
import { createKubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { type Account, formatAccess, permissionsOf } from './access.ts';
import type { TestCluster } from './cluster.ts';
import { actionOf } from './emulators/arm/access.ts';
import type { JournalEntry } from './emulators/arm/journal.ts';
import { kubectl } from './emulators/kubectl.ts';
import { kubeApi } from './kube-api.ts';
import { type Manifest, root } from './manifests.ts';

/** As deploy/base names it. */
export const operatorAccount: Account = { namespace: 'acr-replication-system', name: 'acr-replication-operator' };

export interface Deployment {
  readonly manifests: readonly Manifest[];
  /** Namespaces that it needs; created first. */
  readonly namespaces?: readonly string[];
}

/**
 * Creates the operator's namespace and, if the cluster enforces roles, everything else of the manifests. The Deployment gets no
 * pods, since nothing here runs pods.
 */
export async function deploy(cluster: TestCluster, { manifests, namespaces = [] }: Deployment): Promise<void> {
  const { kubeconfig, hasRoles } = cluster;
  const admin = createKubeClient(loadKubeConfig(kubeconfig));
  for (const name of [...namespaces, operatorAccount.namespace])
    await kubeApi(admin, CoreV1Api).createNamespace({ body: { metadata: { name } } });
  await admin.close();
  if (!hasRoles) return;
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
  const { code, stderr } = await kubectl(kubeconfig, ['apply', '-f', '-'], { input });
  if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
  await cluster.untilPermitted(operatorAccount, permissionsOf(manifests, operatorAccount));
}

/** The actions of deploy/azure-role.json. */
export async function azureRoleActions(): Promise<string[]> {
  const role = JSON.parse(await readFile(`${root}/deploy/azure-role.json`, 'utf8')) as { Actions: string[] };
  return role.Actions;
}

/** Actions in the journal that deploy/azure-role.json does not grant. */
export async function actionsBeyondAzureRole(journal: Iterable<JournalEntry>): Promise<string[]> {
  const granted = new Set(await azureRoleActions());
  return [...actionsIn(journal)].filter((action) => !granted.has(action));
}

/** The Azure actions that the requests to ARM need; requests for tokens need none. */
export function actionsIn(journal: Iterable<JournalEntry>): Set<string> {
  return new Set([...journal].filter(({ endpoint }) => endpoint !== 'token').map(actionOf));
}

/** The account's requests that were forbidden, except in the namespaces `closed`, where that is expected. */
export async function forbiddenAccesses(
  cluster: TestCluster,
  account: Account,
  closed: readonly string[] = [],
): Promise<string[]> {
  const accesses = await cluster.accessesOf(account);
  return accesses
    .filter(({ isForbidden, namespace = '' }) => isForbidden && !closed.includes(namespace))
    .map(formatAccess);
}
