// The verbs create, update, patch and delete, from a parsed request to the stored result. Each runs synchronously, so writes
// do not interleave.
import { randomInt, randomUUID } from 'node:crypto';
import type { Cluster } from './cluster.ts';
import { type DecodeOptions, decode, invalidPatch, undecodable } from './decode.ts';
import { managedFieldsAfterUpdate, withManagedFields } from './managed-fields/track.ts';
import { metadataErrors, metadataUpdateErrors, sameObject, tidyMetadata } from './metadata.ts';
import { type Json, type JsonObject, type KubeObject, kubeTime } from './object.ts';
import { applyJsonPatch, mergePatch, strategicPatch } from './patch.ts';
import type { Resource } from './resource.ts';
import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  deleted,
  forbidden,
  invalid,
  methodNotAllowed,
  modified,
  notFound,
  type Status,
} from './status.ts';
import { updatedObject } from './updated-object.ts';

export interface WriteOptions extends DecodeOptions {
  /** Everything except storing. */
  readonly dryRun: boolean;
  /** Owns the fields that the request changes. */
  readonly manager: string;
}

/** What a request addresses; the namespace is undefined for cluster-scoped resources. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
}

export type Subresource = 'status' | undefined;

export interface ObjectTarget {
  readonly target: Target;
  readonly name: string;
  readonly subresource: Subresource;
}

export function create(cluster: Cluster, target: Target, body: Json, options: WriteOptions): KubeObject {
  return createDecoded(cluster, target, decode(target, body, options, undecodable), options);
}

/** @param managedFields Of an applied configuration; otherwise the request's manager owns every field. */
export function createDecoded(
  cluster: Cluster,
  target: Target,
  sent: KubeObject,
  { dryRun, manager }: WriteOptions,
  managedFields?: JsonObject[],
): KubeObject {
  const { resource, namespace } = target;
  const refusal = resource.creationRefusal();
  if (refusal) throw methodNotAllowed(refusal);
  checkNamespace(cluster, target, sent.metadata.name);
  if (sent.metadata.resourceVersion) {
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const now = kubeTime(cluster.clock.now());
  const metadata = tidyMetadata({
    ...sent.metadata,
    name: sent.metadata.name || generatedName(sent.metadata.generateName),
    ...(namespace !== undefined && { namespace }),
    uid: randomUUID(),
    creationTimestamp: now,
  });
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  const { status: _, ...withoutStatus } = sent;
  const fresh: KubeObject = {
    ...(resource.hasStatus && !resource.allowsStatusOnCreate ? withoutStatus : sent),
    apiVersion: sent.apiVersion,
    kind: sent.kind,
    metadata: { ...metadata, ...(resource.hasGeneration && { generation: 1 }) },
  };
  const stored = validated(resource, fresh, undefined);
  const managed = managedFields ?? managedFieldsAfterUpdate(resource, { after: fresh, manager, now });
  const object = resource.completeNew(withManagedFields(stored, managed));
  if (resource.collection.get(namespace, object.metadata.name)) throw alreadyExists(resource, object.metadata.name);
  if (dryRun) return resource.fromStored(object);
  const written = resource.collection.put(object);
  cluster.written(resource, written);
  return resource.fromStored(written);
}

export interface Updated {
  readonly object: KubeObject;
  /** Leases and Events are created by an update of a missing object. */
  readonly isNew: boolean;
}

export function update(
  cluster: Cluster,
  target: Target,
  name: string,
  subresource: Subresource,
  body: Json,
  options: WriteOptions,
): Updated {
  const { resource, namespace } = target;
  const sent = decode(target, body, options, undecodable);
  checkName(sent, name);
  const old = resource.collection.get(namespace, name);
  if (old) return { object: replace(cluster, { target, name, subresource }, old, sent, options), isNew: false };
  if (!resource.allowsCreateOnUpdate || sent.metadata.resourceVersion) throw notFound(resource, name);
  return { object: createDecoded(cluster, target, sent, options), isNew: true };
}

export type Patch =
  | { readonly type: 'json'; readonly patch: Json }
  | { readonly type: 'merge'; readonly patch: Json }
  | { readonly type: 'strategic'; readonly patch: Json };

export function patch(
  cluster: Cluster,
  target: Target,
  name: string,
  subresource: Subresource,
  { type, patch }: Patch,
  options: WriteOptions,
): KubeObject {
  const old = existing(target, name);
  const before = target.resource.fromStored(old);
  const patched = applyPatch(type, before, patch);
  const sent = decode(target, patched, options, invalidPatch);
  checkName(sent, name);
  return replace(cluster, { target, name, subresource }, old, sent, options);
}

function applyPatch(type: Patch['type'], before: KubeObject, patch: Json): Json {
  switch (type) {
    case 'json':
      return applyJsonPatch(before, patch);
    case 'merge':
      return mergePatch(before, patch);
    case 'strategic':
      return strategicPatch(before, patch);
    default:
      throw new Error(`unknown patch type ${type satisfies never}`);
  }
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Returns the object if finalizers still hold it, else a Status. */
export function remove(
  cluster: Cluster,
  target: Target,
  name: string,
  { preconditions }: DeleteOptions,
  dryRun: boolean,
): KubeObject | Status {
  const { resource } = target;
  const old = existing(target, name);
  const { uid, resourceVersion } = old.metadata;
  // The real server names the kind, not the resource, in these two messages.
  const byKind = { group: resource.group, plural: resource.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const message =
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). ` +
      'The object might have been deleted and then recreated';
    throw conflict(byKind, name, message);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const message =
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion ` +
      `in record (${resourceVersion}). The object might have been modified`;
    throw conflict(byKind, name, message);
  }
  if (resource.kind === 'Namespace' && resource.origin === 'built-in' && immortal.has(name)) {
    throw forbidden(resource, name, 'this namespace may not be deleted');
  }
  if (dryRun) return deleted(resource, name, uid);
  const held = cluster.remove(resource, old);
  return held ? resource.fromStored(held) : deleted(resource, name, uid);
}

/** No object can be created in a namespace that is missing or terminating. */
export function checkNamespace(cluster: Cluster, { resource, namespace }: Target, name: string): void {
  if (namespace === undefined) return;
  const found = cluster.namespace(namespace);
  if (!found) throw notFound({ group: '', plural: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/** Letters and digits that form no words, as in Kubernetes. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

function generatedName(prefix: string | undefined): string {
  if (!prefix) return '';
  return prefix.slice(0, 58) + Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

export function existing({ resource, namespace }: Target, name: string): KubeObject {
  const object = resource.collection.get(namespace, name);
  if (!object) throw notFound(resource, name);
  return object;
}

/** Validates an object of the served version, and returns it in the stored version. */
function validated(resource: Resource, next: KubeObject, old: KubeObject | undefined): KubeObject {
  const before = old && resource.fromStored(old);
  const errors = [
    ...metadataErrors(next.metadata, resource.nameErrors),
    ...(old ? metadataUpdateErrors(next.metadata, old.metadata) : []),
    ...resource.validator.validate(next, before),
  ];
  const stored = resource.toStored(next);
  // Rules in code may rely on the schema.
  if (!errors.length) errors.push(...resource.validate(stored, old));
  // The error names the stored group: an Event of events.k8s.io is refused as one of core.
  if (errors.length) throw invalid({ group: groupOf(stored), kind: resource.kind }, next.metadata.name, errors);
  return stored;
}

function groupOf({ apiVersion }: KubeObject): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** @param managedFields Of an applied configuration; otherwise the request's manager owns what it changes. */
export function replace(
  cluster: Cluster,
  { target, name, subresource }: ObjectTarget,
  old: KubeObject,
  sent: KubeObject,
  { dryRun, manager }: WriteOptions,
  managedFields?: JsonObject[],
): KubeObject {
  const { resource } = target;
  checkVersion(resource, name, sent.metadata.resourceVersion, old);
  const next = updatedObject(resource, subresource, old, sent);
  const valid = validated(resource, next, old);
  const before = resource.fromStored(old);
  const now = kubeTime(cluster.clock.now());
  const change = { before, after: next, sent, subresource, manager, now };
  const stored = withManagedFields(valid, managedFields ?? managedFieldsAfterUpdate(resource, change));
  if (sameObject(stored, old)) return before;
  const { deletionTimestamp, finalizers } = stored.metadata;
  const isReleased = deletionTimestamp !== undefined && !finalizers?.length && !resource.hasOtherFinalizers(stored);
  if (dryRun) return resource.fromStored(stored);
  if (isReleased) {
    resource.collection.remove(old);
    cluster.removed(resource, old);
    return resource.fromStored(stored);
  }
  const written = resource.collection.put(stored);
  cluster.written(resource, written);
  return resource.fromStored(written);
}

export function checkName(sent: KubeObject, name: string): void {
  if (sent.metadata.name === name) return;
  throw badRequest(`the name of the object (${sent.metadata.name}) does not match the name on the URL (${name})`);
}

function checkVersion(resource: Resource, name: string, version: string | undefined, old: KubeObject): void {
  if (version && !/^\d+$/.test(version)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  }
  if (version && version !== '0') {
    if (version !== old.metadata.resourceVersion) throw modified(resource, name);
    return;
  }
  if (resource.origin === 'built-in') return;
  throw invalid({ group: resource.group, kind: resource.plural }, name, [
    {
      type: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0x0: must be specified for an update',
    },
  ]);
}
