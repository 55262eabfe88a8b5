// The objects in the cluster that name regions in the follow storm, how they are written, and what each source reads of them.
import {
  ApiException,
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { RegionSource } from '../../src/api/registryreplication.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import { isFromApiServer, isNotFound } from '../../src/kubernetes/client/errors.ts';
import { normalise } from '../../src/replication/location.ts';
import { kubeApi } from '../kube-api.ts';
import { eventually } from '../real-api-server.ts';
import { sourceKinds } from '../source-kinds.ts';

/** Plurals. */
export const kinds = ['nodes', 'memberclusters', 'configmaps'] as const;
export type Kind = (typeof kinds)[number];

export interface SourceObject {
  readonly kind: Kind;
  readonly name: string;
  /** As a person may spell it. */
  readonly location: string;
  readonly pool: 'web' | 'db';
}

export const home = 'eastus';
/** Of these replicas are created. */
export const locations = [
  'japaneast',
  'westeurope',
  'uksouth',
  'australiaeast',
  'brazilsouth',
  'centralindia',
] as const;

const memberClusters = sourceKinds.find(({ plural }) => plural === 'memberclusters');
if (!memberClusters) throw new Error('test/source-kinds.ts has no MemberCluster');
export const memberCluster = memberClusters;

const regionLabel = { nodes: 'topology.kubernetes.io/region', memberclusters: 'fleet.azure.com/location' } as const;
const regionOf = String.raw`.metadata.labels['fleet\.azure\.com/location']`;

interface View {
  readonly kind: Kind;
  readonly pool?: SourceObject['pool'];
  readonly entry: RegionSource;
}

/** The sources by name. */
export const views = {
  'all nodes': { kind: 'nodes', entry: { nodes: {} } },
  'web nodes': { kind: 'nodes', pool: 'web', entry: { nodes: { selector: { matchLabels: { pool: 'web' } } } } },
  'db nodes': {
    kind: 'nodes',
    pool: 'db',
    entry: { nodes: { selector: { matchExpressions: [{ key: 'pool', operator: 'NotIn', values: ['web'] }] } } },
  },
  members: {
    kind: 'memberclusters',
    entry: { resources: { apiVersion: 'cluster.kubernetes-fleet.io/v1', kind: 'MemberCluster', location: regionOf } },
  },
  'web config': {
    kind: 'configmaps',
    pool: 'web',
    entry: {
      resources: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        selector: { matchLabels: { pool: 'web' } },
        location: '.data.region',
      },
    },
  },
} as const satisfies Record<string, View>;

export type ViewName = keyof typeof views;

export function viewsOf(kind: Kind): string[] {
  return Object.entries(views).flatMap(([name, view]) => (view.kind === kind ? [name] : []));
}

/** What each source names, normalised; values that are no region are left out. */
export function namedBy(objects: Iterable<SourceObject>): Map<string, Set<string>> {
  const all = [...objects];
  return new Map(
    Object.entries(views).map(([name, view]: [string, View]) => {
      const own = all.filter(({ kind, pool }) => kind === view.kind && (!view.pool || view.pool === pool));
      return [name, new Set(own.map(({ location }) => normalise(location)).filter(isRegion))];
    }),
  );
}

function isRegion(location: string): boolean {
  return location === home || locations.some((one) => one === location);
}

/** Writes source objects over a direct connection. Repeats what the API server does not answer yet after a restart. */
export class SourceWriter {
  readonly #core: CoreV1Api;
  readonly #custom: CustomObjectsApi;
  readonly #definitions: ApiextensionsV1Api;

  constructor(cluster: KubeClient) {
    this.#core = kubeApi(cluster, CoreV1Api);
    this.#custom = kubeApi(cluster, CustomObjectsApi);
    this.#definitions = kubeApi(cluster, ApiextensionsV1Api);
  }

  /** Creates or changes it, by server-side apply. */
  async apply(object: SourceObject): Promise<void> {
    const { name, kind } = object;
    const apply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
    const by = { name, fieldManager: 'storm', force: true, body: bodyOf(object) };
    await insist(() => {
      if (kind === 'nodes') return this.#core.patchNode(by, apply);
      if (kind === 'configmaps') return this.#core.patchNamespacedConfigMap({ ...by, namespace: 'default' }, apply);
      return this.#custom.patchClusterCustomObject({ ...memberCluster, ...by }, apply);
    });
  }

  async remove({ kind, name }: SourceObject): Promise<void> {
    await insist(async () => {
      try {
        if (kind === 'nodes') await this.#core.deleteNode({ name });
        else if (kind === 'configmaps') await this.#core.deleteNamespacedConfigMap({ name, namespace: 'default' });
        else await this.#custom.deleteClusterCustomObject({ ...memberCluster, name });
      } catch (error) {
        if (!isNotFound(error) || !String((error as ApiException<unknown>).body).includes(name)) throw error;
      }
    });
  }

  /** Deletes the definition of MemberCluster with all objects; resolves when it is gone. */
  async uninstall(): Promise<void> {
    const name = `${memberCluster.plural}.${memberCluster.group}`;
    await insist(() => this.#definitions.deleteCustomResourceDefinition({ name }));
    await eventually(async () => {
      try {
        await this.#definitions.readCustomResourceDefinition({ name });
        return false;
      } catch (error) {
        if (isNotFound(error)) return true;
        throw error;
      }
    });
  }
}

function bodyOf({ kind, name, location, pool }: SourceObject): object {
  // A label has no spaces.
  const labels = { pool, ...(kind !== 'configmaps' && { [regionLabel[kind]]: location.replaceAll(' ', '') }) };
  const metadata = { name, labels };
  if (kind === 'nodes') return { apiVersion: 'v1', kind: 'Node', metadata };
  if (kind === 'configmaps') return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { region: location } };
  const { group, version } = memberCluster;
  const spec = { identity: { kind: 'User', name } };
  return { apiVersion: `${group}/${version}`, kind: memberCluster.kind, metadata, spec };
}

async function insist(request: () => Promise<unknown>): Promise<void> {
  await eventually(async () => {
    try {
      await request();
      return true;
    } catch (error) {
      const isRefused = error instanceof ApiException && [400, 409, 422].includes(error.code);
      if (!isFromApiServer(error) || isRefused) throw error;
      return false;
    }
  });
}
