// The verb apply: server-side apply of a configuration, which creates the object or changes it and its managedFields.
import type { Cluster } from './cluster.ts';
import { decode, undecodable } from './decode.ts';
import { type Entry, encodeEntries, type Writer } from './managed-fields/entries.ts';
import { printPath } from './managed-fields/field-set.ts';
import { allowedByLastApplied, withLastApplied } from './managed-fields/last-applied.ts';
import { type Applied, applyConfiguration, type Conflict, entriesAfterUpdate } from './managed-fields/ownership.ts';
import { entriesOf, withManagedFields } from './managed-fields/track.ts';
import { typedErrors } from './managed-fields/typed-errors.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject, kubeTime } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import type { Schema } from './schema/structural.ts';
import { ApiError, badRequest, conflict, notFound } from './status.ts';
import { checkName, createDecoded, type ObjectTarget, replace, type Updated, type WriteOptions } from './writes.ts';

export interface ApplyOptions extends WriteOptions {
  /** Takes fields from other managers instead of refusing. */
  readonly force: boolean;
}

export function apply(cluster: Cluster, at: ObjectTarget, body: Json, options: ApplyOptions): Updated {
  const { target, name, subresource } = at;
  const { resource, namespace } = target;
  const schema = resource.ownedSchema;
  if (!schema) {
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `this server keeps no managedFields for ${resource.plural}, so it does not serve server-side apply for them; ` +
        'use kubectl apply without --server-side',
    );
  }
  const old = resource.collection.get(namespace, name);
  if (!old && subresource) throw notFound(resource, name);
  const config = configuration(at, body, schema);
  const live = old ? resource.fromStored(old) : undefined;
  checkPreconditions(resource, config, live);
  const now = kubeTime(cluster.clock.now());
  const writer: Writer = {
    manager: options.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(resource),
    subresource,
  };
  const applied = merged({ live, config, schema, writer, now, force: options.force });
  const sent = decode(target, withLastApplied(applied.object, config, options.manager), options, undecodable);
  checkName(sent, name);
  const managedFields = encodeEntries(applied.entries);
  if (!old) return { object: createDecoded(cluster, target, sent, options, managedFields), isNew: true };
  return { object: replace(cluster, at, old, sent, options, managedFields), isNew: false };
}

/** The configuration with what this request may change: only the status through its subresource, else all but the status. */
function configuration({ target, name, subresource }: ObjectTarget, body: Json, schema: Schema): JsonObject {
  const { resource, namespace } = target;
  if (!isJsonObject(body)) throw badRequest('error decoding YAML: the configuration is not an object');
  const metadata = isJsonObject(body.metadata) ? body.metadata : {};
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const apiVersion = apiVersionOf(resource);
  if (body.apiVersion !== apiVersion || body.kind !== resource.kind) {
    throw badRequest(
      `the configuration is of ${body.apiVersion} ${body.kind}, and the path of ${apiVersion} ${resource.kind}`,
    );
  }
  const errors = typedErrors(body, schema);
  if (errors.length) {
    const object = `${namespace ?? ''}/${name}; ${apiVersion}, Kind=${resource.kind}`;
    const problem = errors.length === 1 ? errors[0] : `errors:\n${errors.map((error) => `  ${error}`).join('\n')}`;
    throw new ApiError(500, '', `failed to create typed patch object (${object}): ${problem}`);
  }
  const { status, ...rest } = body;
  const identity = { name, ...(namespace !== undefined && { namespace }) };
  if (subresource)
    return { apiVersion, kind: resource.kind, metadata: identity, ...(status !== undefined && { status }) };
  const whole = { ...body, metadata: { ...identity, ...metadata } };
  return resource.hasStatus ? { ...rest, metadata: whole.metadata } : whole;
}

/** A configuration with a uid or a resourceVersion is for that object, or that state of it. */
function checkPreconditions(resource: Resource, { metadata }: JsonObject, live: KubeObject | undefined): void {
  const { uid, resourceVersion, name } = isJsonObject(metadata) ? metadata : {};
  if (uid === undefined || live?.metadata.uid === uid) {
    if (resourceVersion === undefined || live) return;
    throw notFound(resource, String(name));
  }
  const message = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  throw conflict(
    resource,
    String(name),
    live ? `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}` : message,
  );
}

interface Merge {
  readonly live: KubeObject | undefined;
  readonly config: JsonObject;
  readonly schema: Schema;
  readonly writer: Writer;
  readonly now: string;
  readonly force: boolean;
}

function merged({ live, config, schema, writer, now, force }: Merge): Applied {
  const { apiVersion = '', kind = '' } = config;
  const before: Json = live ? withManagedFields(live, []) : { apiVersion, kind, metadata: {} };
  const entries = live ? entriesFor(live, before, { schema, writer, now }) : [];
  const applied = applyConfiguration(entries, writer, { live: before, config, schema, now });
  const { conflicts } = applied;
  if (force || !conflicts.length) return applied;
  // kubectl takes over what it applied from the client, as long as it has not changed since.
  const allowed = writer.manager === 'kubectl' && live ? allowedByLastApplied(live, schema) : new Set<string>();
  const refused = conflicts.filter(({ path }) => !allowed.has(path));
  if (refused.length) throw applyConflict(refused);
  return applied;
}

/** The object's entries; the fields of an object without any belong to `before-first-apply`. */
function entriesFor(
  live: KubeObject,
  after: Json,
  { schema, writer, now }: Pick<Merge, 'schema' | 'writer' | 'now'>,
): Entry[] {
  const entries = entriesOf(live);
  if (entries.length) return entries;
  const first: Writer = { ...writer, manager: 'before-first-apply', operation: 'Update', subresource: undefined };
  return entriesAfterUpdate([], first, { before: {}, after, schema, now });
}

/** 409 in the API server's words, which kubectl repeats to its user. */
function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const owners = [...new Set(conflicts.map(({ owner }) => ownerName(owner)))].sort();
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...conflicts.filter((each) => ownerName(each.owner) === owner).map(({ path }) => `- ${printPath(path)}`),
  ]);
  const [first] = conflicts;
  const message =
    conflicts.length === 1 && first
      ? `Apply failed with 1 conflict: conflict with ${ownerName(first.owner)}: ${printPath(first.path)}`
      : `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
  const causes = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${ownerName(owner)}`,
    field: printPath(path),
  }));
  return new ApiError(409, 'Conflict', message, { causes });
}

function ownerName({ manager, subresource, operation, apiVersion }: Entry): string {
  const name = `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
