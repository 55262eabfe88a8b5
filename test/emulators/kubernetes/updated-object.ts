// The object that an update leads to: what a request may change, and what the server keeps.
import { sameObject, systemMetadata, tidyMetadata } from './metadata.ts';
import type { Json, KubeObject, ObjectMeta } from './object.ts';
import type { Resource } from './resource.ts';

/** Merges what the request may change: only the status through its subresource, everything but the status otherwise. */
export function updatedObject(
  resource: Resource,
  subresource: 'status' | undefined,
  old: KubeObject,
  sent: KubeObject,
): KubeObject {
  const before = resource.fromStored(old);
  if (subresource === 'status') return withStatus(before, sent.status);
  const metadata: ObjectMeta = tidyMetadata({
    ...sent.metadata,
    ...(old.metadata.namespace !== undefined && { namespace: old.metadata.namespace }),
    ...systemMetadata(old.metadata),
    // metadataUpdateErrors checks it; an empty uid means the existing one.
    uid: sent.metadata.uid || old.metadata.uid,
    resourceVersion: old.metadata.resourceVersion,
  });
  for (const name of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const) {
    if (old.metadata[name] === undefined) delete metadata[name];
  }
  const replaced = { ...sent, metadata };
  const next = resource.hasStatus ? withStatus(replaced, before.status) : replaced;
  if (!resource.hasGeneration || sameButMetadata(next, before, resource.hasStatus)) return next;
  return { ...next, metadata: { ...metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

function withStatus(object: KubeObject, status: Json | undefined): KubeObject {
  const { status: _, ...rest } = object;
  return {
    ...rest,
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: object.metadata,
    ...(status !== undefined && { status }),
  };
}

function sameButMetadata(a: KubeObject, b: KubeObject, ignoreStatus: boolean): boolean {
  const bare = (object: KubeObject): KubeObject => ({
    ...(ignoreStatus ? withStatus(object, undefined) : object),
    metadata: b.metadata,
    apiVersion: b.apiVersion,
    kind: b.kind,
  });
  return sameObject(bare(a), bare(b));
}
