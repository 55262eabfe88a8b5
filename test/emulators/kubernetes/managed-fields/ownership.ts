// Who owns which fields after an update or an applied configuration, and which fields an applied configuration removes.
import type { Json } from '../object.ts';
import type { Schema } from '../schema/structural.ts';
import { type Entry, isBy, type Writer } from './entries.ts';
import { ancestorsOf, comparePaths, type FieldSet, fieldPath, isBelow } from './field-set.ts';
import { compare, fieldsOf, merge, withNamedParents, without, withoutNulls } from './typed.ts';

/** Fields that have no owner, because clients cannot choose their values. */
const unowned: FieldSet = new Set([
  ...['apiVersion', 'kind', 'metadata'].map((name) => fieldPath(name)),
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => fieldPath('metadata', name)),
  fieldPath('metadata', 'deletionTimestamp'),
  fieldPath('metadata', 'deletionGracePeriodSeconds'),
]);

const owned = (entries: readonly Entry[]) => entries.map((e) => ({ ...e, fields: e.fields.difference(unowned) }));

/** The entries after `writer` changed `before` to `after`: it owns what it added or changed, and others no longer do. */
export function entriesAfterUpdate(
  entries: readonly Entry[],
  writer: Writer,
  { before, after, schema, now }: { before: Json; after: Json; schema: Schema; now: string },
): Entry[] {
  const { added, modified, removed } = compare(before, after, schema);
  const taken = added.union(modified);
  const changed = taken.union(removed);
  const known = withContents(entries, before, schema);
  const own = known.find((entry) => isBy(entry, writer));
  const others = known
    .filter((entry) => entry !== own)
    .map((entry) => ({ ...entry, fields: entry.fields.difference(changed) }));
  const isUnchanged = !taken.difference(unowned).size;
  const fields = (own?.fields ?? new Set<string>()).difference(removed).union(taken);
  return owned([...others, { ...writer, time: isUnchanged ? (own?.time ?? now) : now, fields }]);
}

export interface Conflict {
  readonly owner: Entry;
  readonly path: string;
}

export interface Applied {
  readonly object: Json;
  readonly entries: Entry[];
  /** What others own and the configuration changes, which needs force. */
  readonly conflicts: Conflict[];
}

/** Applies a configuration: merges it, and removes what its manager applied before, does not any more, and owns alone. */
export function applyConfiguration(
  entries: readonly Entry[],
  writer: Writer,
  { live, config, schema, now }: { live: Json; config: Json; schema: Schema; now: string },
): Applied {
  const known = withContents(entries, live, schema);
  const last = known.find((entry) => isBy(entry, writer));
  const mine: Entry = { ...writer, time: now, fields: fieldsOf(config, schema) };
  const others = known.filter((entry) => entry !== last);
  const merged = merge(live, config, schema) ?? config;
  const object = last ? pruned(merged, last.fields, [...others, mine], schema) : merged;
  const { added, modified, removed } = compare(live, object, schema);
  const changed = added.union(modified);
  const conflicts = others.flatMap((owner) =>
    [...owner.fields.intersection(changed)].sort(comparePaths).map((path) => ({ owner, path })),
  );
  const taken = changed.union(removed);
  const kept = others.map((entry) => ({ ...entry, fields: entry.fields.difference(taken) }));
  return { object: withoutNulls(object, schema), entries: owned([...kept, mine]), conflicts };
}

/** The owner of a map or list who owns nothing in it owns all of it: the real server takes its type for atomic before. */
function withContents(entries: readonly Entry[], live: Json, schema: Schema): Entry[] {
  const all = fieldsOf(live, schema);
  return entries.map((entry) => {
    const above = ancestorsOf(entry.fields);
    const whole = [...entry.fields].filter((path) => !above.has(path) && !all.has(path));
    if (!whole.length) return entry;
    const contents = [...all].filter((path) => whole.some((owned) => isBelow(path, owned)));
    return { ...entry, fields: entry.fields.union(new Set(contents)) };
  });
}

/** `merged` without what was applied last and has no owner any more. */
function pruned(merged: Json, last: FieldSet, owners: readonly Entry[], schema: Schema): Json {
  const parents = (fields: FieldSet) => withNamedParents(fields, schema);
  const lastApplied = parents(last);
  const managed = parents(owners.reduce((all, { fields }) => all.union(fields), new Set<string>()));
  const all = parents(fieldsOf(merged, schema));
  const removed = without(merged, lastApplied, schema);
  const rest = parents(fieldsOf(removed, schema));
  // Removing a map or list also removed what others own below it.
  const restored = without(merged, all.difference(rest.union(managed)), schema);
  // It also removed what has no owner, or was not applied by this manager.
  return without(merged, all.difference(parents(fieldsOf(restored, schema))).intersection(lastApplied), schema);
}
