// An operator as tutorials write it, to which the scenario `baseline` compares ours: an informer whose handler creates each missing
// replica with the SDK's awaited poller and then writes the status. It is run as a process of its own.
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import { ClientSecretCredential } from '@azure/identity';
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { group, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';

const {
  AZURE_TENANT_ID = '',
  AZURE_CLIENT_ID = '',
  AZURE_CLIENT_SECRET = '',
  AZURE_AUTHORITY_HOST = '',
  AZURE_RESOURCE_MANAGER_ENDPOINT = '',
  AZURE_RESOURCE_MANAGER_AUDIENCE = '',
} = process.env;

const credential = new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, {
  authorityHost: AZURE_AUTHORITY_HOST,
  disableInstanceDiscovery: true,
});

const config = new KubeConfig();
config.loadFromDefault();
const api = config.makeApiClient(CustomObjectsApi);

async function reconcile(object: RegistryReplication): Promise<void> {
  // The informer also shows our own status.
  if (object.status?.observedGeneration === object.metadata.generation) return;
  const { subscriptionId, resourceGroup, name } = object.spec.registry;
  const client = new ContainerRegistryManagementClient(credential, subscriptionId, {
    endpoint: AZURE_RESOURCE_MANAGER_ENDPOINT,
    credentials: { scopes: [`${AZURE_RESOURCE_MANAGER_AUDIENCE}/.default`] },
  });
  try {
    const existing = new Set<string>();
    for await (const replication of client.replications.list(resourceGroup, name)) existing.add(replication.name ?? '');
    for (const { location } of object.spec.regions ?? []) {
      if (existing.has(location)) continue;
      console.log(`${name}: creating the replication in ${location}`);
      await client.replications.beginCreateAndWait(resourceGroup, name, location, { location });
    }
    await setStatus(object, 'True', 'Ready', 'all replications exist');
  } catch (error) {
    console.error(`${name}:`, error);
    await setStatus(object, 'False', 'Failed', error instanceof Error ? error.message : String(error));
  }
}

async function setStatus(
  { metadata: { namespace, name = '', generation } }: RegistryReplication,
  status: 'True' | 'False',
  phase: 'Ready' | 'Failed',
  message: string,
): Promise<void> {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const ready = { type: 'Ready', status, reason: phase, message, lastTransitionTime, observedGeneration: generation };
  const body = { status: { observedGeneration: generation, phase, conditions: [ready] } };
  await api.patchNamespacedCustomObjectStatus(
    { group, version, plural, namespace, name, body },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
}

const list = () =>
  api.listClusterCustomObject({ group, version, plural }) as Promise<KubernetesListObject<RegistryReplication>>;
const informer = makeInformer(config, `/apis/${group}/${version}/${plural}`, list);
const handle = (object: RegistryReplication) =>
  void reconcile(object).catch((error) => console.error(object.metadata.name, error));
informer.on('add', handle);
informer.on('update', handle);
informer.on('error', (error) => {
  console.error(error);
  setTimeout(() => void informer.start(), 5_000);
});
await informer.start();
console.log('The informer has started');
