// The operator's place in a cluster as deploy/ makes it: its namespace, its service account, and that account's rights.
import { CoreV1Api } from '@kubernetes/client-node';
import { connect, loadKubeConfig } from '../src/kubernetes/cluster.ts';
import { type Account, wordsFor } from './access.ts';
import type { TestCluster } from './cluster.ts';
import { kubectl } from './emulators/kubectl.ts';

/** As deploy/base names it. */
export const operatorAccount: Account = { namespace: 'acr-replication-system', name: 'acr-replication-operator' };

export interface Deployment {
  /** A kustomization, from the root of the repository on. */
  readonly folder: string;
  /** What must be there before it; made here. */
  readonly namespaces?: readonly string[];
}

/**
 * Makes the operator's namespace and, where the cluster knows roles, all else of the kustomization; the pods of its
 * Deployment never come, since nothing here runs pods.
 */
export async function deploy(cluster: TestCluster, { folder, namespaces = [] }: Deployment): Promise<void> {
  const wanted = cluster.hasRoles ? namespaces : [...namespaces, operatorAccount.namespace];
  const { kubeconfig, hasRoles } = cluster;
  const admin = connect(loadKubeConfig(kubeconfig));
  for (const name of wanted) await admin.api(CoreV1Api).createNamespace({ body: { metadata: { name } } });
  await admin.close();
  if (!hasRoles) return;
  const { code, stderr } = await kubectl(kubeconfig, ['apply', '-k', folder]);
  if (code !== 0) throw new Error(`kubectl apply -k ${folder}: ${stderr}`);
}

/** What the operator was refused so far for want of a right, in words. */
export async function refusedTo(cluster: TestCluster, account: Account): Promise<string[]> {
  const accesses = await cluster.accessesOf(account);
  return accesses.filter(({ isForbidden }) => isForbidden).map(wordsFor);
}
