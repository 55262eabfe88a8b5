// Sets up ServiceAccounts that are federated with a client in Entra, on both sides, as docs/tenancy.md describes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { serviceAccounts } from '../src/kubernetes/client/service-account.ts';
import { systemClock } from '../src/lib/clock.ts';
import { type Account, permissionsOf } from './access.ts';
import type { TestCluster } from './cluster.ts';
import { operatorAccount } from './deployment.ts';
import type { ArmEmulator } from './emulators/arm/emulator.ts';
import type { FederatedCredential } from './emulators/arm/tokens.ts';
import { buildKustomization, type Manifest } from './manifests.ts';

/** The only audience that Entra accepts. */
const audience = 'api://AzureADTokenExchange';

/** The name of the ServiceAccount for which deploy/identity lets the operator request tokens. */
export const accountName = 'registries';

/** Runs kubectl and resolves to its stdout; rejects with its stderr when it fails. A string is split at blanks. */
export type Kubectl = (
  args: string | readonly string[],
  options?: { input?: string; env?: Readonly<Record<string, string>> },
) => Promise<string>;

interface ClusterAccess {
  readonly kubectl: Kubectl;
  readonly kubernetes: TestCluster;
}

/** The federated credential of a client in Entra that accepts tokens of this ServiceAccount. */
export function federatedCredentialFor({ namespace, name }: Account): FederatedCredential {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  return { issuer, subject: `system:serviceaccount:${namespace}:${name}`, audience };
}

/** `client`: the id of its client in Entra; `tenant`: the client's tenant, if not the operator's own. */
export async function createServiceAccount(
  { kubectl }: Pick<ClusterAccess, 'kubectl'>,
  account: Account,
  annotations: { readonly client?: string; readonly tenant?: string } = {},
): Promise<void> {
  const { client, tenant } = annotations;
  const metadata = {
    ...account,
    annotations: {
      ...(client !== undefined && { 'azure.workload.identity/client-id': client }),
      ...(tenant !== undefined && { 'azure.workload.identity/tenant-id': tenant }),
    },
  };
  await kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }) });
}

/** A token of the ServiceAccount for Entra, such as a pod of it finds in a file. */
export async function requestToken(kubeconfig: string, account: Account): Promise<string> {
  const cluster = createKubeClient(loadKubeConfig(kubeconfig));
  try {
    const answer = await serviceAccounts(cluster, systemClock, []).token(account, audience);
    if ('refused' in answer) throw new Error(answer.words);
    return answer.token;
  } finally {
    await cluster.close();
  }
}

/**
 * Writes a token of the operator's ServiceAccount for Entra into a file, as AKS does in its pods, and lets a client in Entra accept
 * it. Resolves to the file's path.
 */
export async function writeOperatorToken(
  { kubectl, kubernetes, arm }: ClusterAccess & { readonly arm: Pick<ArmEmulator, 'register'> },
  clientId: string,
  directory: string,
): Promise<string> {
  if (!kubernetes.hasRoles) await createServiceAccount({ kubectl }, operatorAccount);
  arm.register(clientId, [federatedCredentialFor(operatorAccount)]);
  const file = join(directory, 'azure-identity-token');
  await writeFile(file, await requestToken(kubernetes.kubeconfig, operatorAccount), { mode: 0o600 });
  return file;
}

/** deploy/identity for the namespace. */
export async function tokenRequestRole(namespace: string): Promise<Manifest[]> {
  const manifests = await buildKustomization('deploy/identity');
  return manifests.map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace } }));
}

/** Applies deploy/identity and resolves when it is in force; does nothing if the cluster enforces no roles. */
export async function allowTokenRequests({ kubectl, kubernetes }: ClusterAccess, namespace: string): Promise<void> {
  if (!kubernetes.hasRoles) return;
  const items = await tokenRequestRole(namespace);
  await kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  await kubernetes.untilPermitted(operatorAccount, permissionsOf(items, operatorAccount));
}
