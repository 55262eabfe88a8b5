// The kinds of other projects from which regions can be followed: definitions and objects in their real shapes
// (test/fixtures/sources), and the path at which each has its location.
import { readFile } from 'node:fs/promises';
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import type { KubeClient } from '../src/kubernetes/client/client.ts';
import { kubeApi } from './kube-api.ts';
import { root } from './manifests.ts';

export interface SourceKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** kubectl's JSONPath. */
  readonly location: string;
  /** What `location` finds in the objects of the fixture, sorted. */
  readonly found: readonly string[];
}

export const sourceKinds: readonly SourceKind[] = [
  {
    group: 'cluster.kubernetes-fleet.io',
    version: 'v1',
    plural: 'memberclusters',
    kind: 'MemberCluster',
    namespaced: false,
    location: String.raw`.metadata.labels['fleet\.azure\.com/location']`,
    found: ['eastus2', 'westeurope'],
  },
  {
    group: 'multicluster.x-k8s.io',
    version: 'v1alpha1',
    plural: 'clusterprofiles',
    kind: 'ClusterProfile',
    namespaced: true,
    location: '.status.properties[?(@.name=="location")].value',
    found: ['apac', 'northeurope'],
  },
  {
    group: 'infrastructure.cluster.x-k8s.io',
    version: 'v1beta1',
    plural: 'azureclusters',
    kind: 'AzureCluster',
    namespaced: true,
    location: '.spec.location',
    found: ['japaneast', 'japaneast'],
  },
  {
    group: 'containerservice.azure.com',
    version: 'v1api20240901',
    plural: 'managedclusters',
    kind: 'ManagedCluster',
    namespaced: true,
    location: '.spec.location',
    found: ['westus3'],
  },
  {
    group: 'containerservice.azure.upbound.io',
    version: 'v1beta2',
    plural: 'kubernetesclusters',
    kind: 'KubernetesCluster',
    namespaced: false,
    location: '.spec.forProvider.location',
    found: ['West Europe'],
  },
];

const fixture = (name: string) => `${root}/test/fixtures/sources/${name}.yaml`;

/** The file of its definition, for `startCluster`. */
export const definitionOf = ({ plural }: SourceKind) => fixture(`${plural}.crd`);

export interface SourceObject {
  readonly metadata: { readonly name: string };
  readonly status?: object;
}

export async function objectsOf({ plural }: SourceKind): Promise<SourceObject[]> {
  const documents = parseAllDocuments(await readFile(fixture(plural), 'utf8'));
  return documents.map((document) => document.toJS() as SourceObject);
}

/** Creates the fixture's objects, with their status. @param namespace For namespaced kinds. */
export async function createObjects(cluster: KubeClient, source: SourceKind, namespace = 'default'): Promise<void> {
  const { group, version, plural, namespaced } = source;
  const api = kubeApi(cluster, CustomObjectsApi);
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  for (const { status, ...body } of await objectsOf(source)) {
    const { name } = body.metadata;
    const at = { group, version, plural };
    if (namespaced) await api.createNamespacedCustomObject({ ...at, namespace, body });
    else await api.createClusterCustomObject({ ...at, body });
    if (status === undefined) continue;
    const patch = { ...at, name, body: { status } };
    if (namespaced) await api.patchNamespacedCustomObjectStatus({ ...patch, namespace }, merge);
    else await api.patchClusterCustomObjectStatus(patch, merge);
  }
}
