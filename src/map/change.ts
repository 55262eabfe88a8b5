// The change of one region of one object: as a JSON patch, as a diff of the YAML, and as a kubectl command. Pure; the page shows what
// the server sends.
import type { RegionSpec } from '../api/registryreplication.ts';
import { type PatchOperation, unlessEdited } from '../kubernetes/client/json-patch.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { indexOfLocation } from '../replication/location.ts';

export interface Change {
  readonly action: 'add' | 'remove';
  /** The region, in any spelling. */
  readonly location: string;
}

/** The version of the spec that the change is based on. */
export interface SpecVersion {
  readonly uid: string;
  readonly generation: number;
}

export interface ChangedObject extends SpecVersion {
  readonly namespace: string;
  readonly name: string;
  readonly listed: readonly RegionSpec[];
}

/**
 * The patch of `spec.regions`; undefined if the region is listed already, or is not there to be removed. It tests what it is based on,
 * so that it fails if the spec was edited meanwhile; a new status does not matter.
 */
export function patchFor(object: ChangedObject, { action, location }: Change): PatchOperation[] | undefined {
  const index = indexOfLocation(object.listed, location);
  if (action === 'add' ? index >= 0 : index < 0) return undefined;
  const operation: PatchOperation =
    action === 'add'
      ? { op: 'add', path: '/spec/regions/-', value: { location } }
      : { op: 'remove', path: `/spec/regions/${index}` };
  return [...unlessEdited(object.uid, object.generation), operation];
}

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** The lines of `spec.regions` in YAML, with the change. */
export function diffOf(listed: readonly RegionSpec[], { action, location }: Change): DiffLine[] {
  const removed = action === 'remove' ? indexOfLocation(listed, location) : -1;
  const lines = listed.flatMap((region, index) => {
    const kind = index === removed ? 'removed' : 'same';
    return yamlOf(region).map((text): DiffLine => ({ kind, text }));
  });
  const added = action === 'add' ? yamlOf({ location }).map((text): DiffLine => ({ kind: 'added', text })) : [];
  return [{ kind: 'same', text: 'spec:' }, { kind: 'same', text: '  regions:' }, ...lines, ...added];
}

function yamlOf({ location, routing, tags = {} }: RegionSpec): string[] {
  const names = Object.entries(tags);
  return [
    `    - location: ${scalar(location)}`,
    ...(routing ? [`      routing: ${routing}`] : []),
    ...(names.length > 0 ? ['      tags:'] : []),
    ...names.map(([name, value]) => `        ${scalar(name)}: ${scalar(value)}`),
  ];
}

/** Words that YAML reads as another type than text. */
const notText = /^(true|false|yes|no|on|off|y|n|null|~|[-+.\d][\d._eE+:-]*)$/i;

/** JSON's quoted strings are YAML's. */
function scalar(text: string): string {
  return /^[A-Za-z0-9][\w ./-]*$/.test(text) && !notText.test(text) && text.trim() === text
    ? text
    : JSON.stringify(text);
}

/**
 * The same change for a terminal; undefined where there is none. It tests only what it removes, so that it can be used later and for
 * other objects.
 */
export function kubectlCommand(
  object: Omit<ChangedObject, keyof SpecVersion>,
  { action, location }: Change,
  kubectlArgs: readonly string[] = [],
): string | undefined {
  const index = indexOfLocation(object.listed, location);
  const removed = object.listed[index];
  if ((action === 'add') === (removed !== undefined)) return undefined;
  const patch: PatchOperation[] = removed
    ? [
        { op: 'test', path: `/spec/regions/${index}/location`, value: removed.location },
        { op: 'remove', path: `/spec/regions/${index}` },
      ]
    : [{ op: 'add', path: '/spec/regions/-', value: { location } }];
  const words = [
    ...['kubectl', ...kubectlArgs, '-n', object.namespace, 'patch', 'georep', object.name],
    ...['--type=json', '-p', JSON.stringify(patch)],
  ];
  return words.map(shellQuote).join(' ');
}
