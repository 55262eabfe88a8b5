// The object's TypeScript types: the generated body combined with Kubernetes' metadata, and the API's names.
import type { KubernetesObject, V1ObjectMeta } from '@kubernetes/client-node';
import type { RegistryReplicationBody } from './registryreplication.generated.ts';

export { crdFields } from './registryreplication.generated.ts';

export const group = 'georeplication.dev';
export const version = 'v1alpha1';
export const plural = 'registryreplications';
export const kind = 'RegistryReplication';
export const crdName = `${plural}.${group}`;

export const finalizer = `${group}/replicas`;

export const annotation = {
  /** Any new value requests a pass at once and resets every backoff. */
  reconcileRequestedAt: `${group}/reconcile-requested-at`,
  /** "true" drops the finalizer without touching Azure. */
  forceDetach: `${group}/force-detach`,
} as const;

/** An annotation on the CRD: the version of the operator that it came with. */
export const crdVersion = `${group}/version`;

/** An annotation on a namespace, set by its administrator: patterns of the registries that its objects may name. */
export const allowedRegistries = `${group}/allowed-registries`;

export interface RegistryReplication extends KubernetesObject, RegistryReplicationBody {
  metadata: V1ObjectMeta & { name: string; namespace: string };
}

/** What spec.regions lists: nothing where the object only follows sources. */
export function listedRegions({ regions = [] }: Pick<Spec, 'regions'>): RegionSpec[] {
  return regions;
}

/** The ServiceAccount that acts for the object, always in its own namespace, since the spec cannot name another one. */
export function serviceAccountOf({ spec, metadata }: RegistryReplication): ServiceAccountName | undefined {
  return spec.identity && { namespace: metadata.namespace, name: spec.identity.serviceAccountName };
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

export type Spec = RegistryReplicationBody['spec'];
export type Status = NonNullable<RegistryReplicationBody['status']>;
export type RegionSpec = NonNullable<Spec['regions']>[number];
export type RegionStatus = NonNullable<Status['regions']>[number];
export type RegionState = RegionStatus['state'];
export type RegionSource = NonNullable<Spec['regionsFrom']>[number];
export type SourceStatus = NonNullable<Status['sources']>[number];
export type NeededBy = NonNullable<RegionStatus['neededBy']>[number];
export type Condition = NonNullable<Status['conditions']>[number];
export type PlanEntry = NonNullable<Status['plan']>[number];
export type Phase = NonNullable<Status['phase']>;
