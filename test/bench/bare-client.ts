// Sends the requests of an operator's first pass without an operator, so that the time which the servers take is known.
import { Agent } from 'node:https';
import { ClientSecretCredential } from '@azure/identity';
import {
  finalizer,
  group,
  kind,
  type RegistryReplication,
  type Status,
  version,
} from '../../src/api/registryreplication.ts';
import { registryAt } from './arm.ts';
import { inMs, type Send, sender, watch } from './processes.ts';
import { collectionOf, listing, type Setup } from './setup.ts';

export interface BareClient {
  readonly region: string;
  /** A label selector that excludes its objects from an operator's. */
  readonly excluded: string;
  /**
   * ms from the answer to the create until the PUT at ARM, for the registry of this number. It stores this status before, and reads the
   * regions if the registry is the first of its subscription.
   */
  chain(index: number, status: Status, isFirst?: boolean): Promise<number>;
}

const label = 'bare';
const region = 'japaneast';
const api = 'api-version=2025-11-01';

export async function bareClient(ended: AsyncDisposableStack, setup: Setup, namespace: string): Promise<BareClient> {
  const { send, arm, kubeconfig } = setup;
  const toArm = await armClient(setup);
  const arrived = new Map<string | undefined, (object: RegistryReplication) => void>();
  const path = collectionOf(namespace);
  await watch<RegistryReplication>(ended, { kubeconfig, path: `${path}?labelSelector=${label}` }, (object) => {
    arrived.get(object.metadata.name)?.(object);
    arrived.delete(object.metadata.name);
  });
  return {
    region,
    excluded: `!${label}`,
    async chain(index, status, isFirst = false) {
      const registry = registryAt(index);
      const { name } = registry;
      const seen = new Promise<RegistryReplication>((resolve) => arrived.set(name, resolve));
      const put = arm.put(name);
      const spec = { registry, ...listing([region]) };
      const metadata = { name, labels: { [label]: 'true' } };
      const { answered } = await send('POST', path, { apiVersion: `${group}/${version}`, kind, metadata, spec });
      const {
        metadata: { uid, resourceVersion },
      } = await seen;
      await send('GET', `/api/v1/namespaces/${namespace}`);
      const id = `/subscriptions/${registry.subscriptionId}/resourceGroups/${registry.resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${name}`;
      const locations = `/subscriptions/${registry.subscriptionId}/locations?api-version=2022-12-01`;
      await Promise.all([
        toArm('GET', `${id}?${api}`),
        toArm('GET', `${id}/replications?${api}`),
        isFirst && toArm('GET', locations),
      ]);
      const [{ object }] = await Promise.all([
        send<RegistryReplication>('PATCH', `${path}/${name}`, [
          { op: 'test', path: '/metadata/uid', value: uid },
          { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
          { op: 'add', path: '/metadata/finalizers', value: [finalizer] },
        ]),
        toArm('GET', `${id}/replications/${region}?${api}`).catch(unlessMissing),
      ]);
      await send('PUT', `${path}/${name}/status`, { ...object, status });
      await toArm('PUT', `${id}/replications/${region}?${api}`, { location: region });
      return inMs((await put) - answered);
    },
  };
}

async function armClient({ arm: { environment, certificate } }: Setup): Promise<Send> {
  const { AZURE_RESOURCE_MANAGER_ENDPOINT: server = '', AZURE_RESOURCE_MANAGER_AUDIENCE: audience = '' } = environment;
  const { AZURE_TENANT_ID: tenant = '', AZURE_CLIENT_ID: id = '', AZURE_CLIENT_SECRET: secret = '' } = environment;
  const tls = { ca: certificate };
  const authorityHost = environment.AZURE_AUTHORITY_HOST ?? '';
  const options = { authorityHost, disableInstanceDiscovery: true, tlsOptions: tls };
  const { token } = await new ClientSecretCredential(tenant, id, secret, options).getToken(`${audience}/.default`);
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  return sender(server, { ...tls, agent, headers: { Authorization: `Bearer ${token}` } });
}

function unlessMissing(error: Error): void {
  if (!error.message.includes(': 404: ')) throw error;
}
