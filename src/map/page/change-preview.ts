// The change of one region as a diff of the YAML, and as a kubectl command. Pure.
import type { RegionSpec } from '../../api/registryreplication.ts';
import type { PatchOperation } from '../../lib/json-patch.ts';
import { shellQuote } from '../../lib/shell-quote.ts';
import { indexOfLocation } from '../../replication/location.ts';
import { specChange } from '../../replication/spec-change.ts';
import type { RegionChange, RegistryView } from '../model.ts';

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** The lines of `spec.regions` in YAML, with the change. */
export function diffOf(listed: readonly RegionSpec[], { action, location }: RegionChange): DiffLine[] {
  const removed = action === 'remove' ? indexOfLocation(listed, location) : -1;
  const lines = listed.flatMap((region, index) => {
    const kind = index === removed ? 'removed' : 'same';
    return yamlOf(region).map((text): DiffLine => ({ kind, text }));
  });
  const added = action === 'add' ? yamlOf({ location }).map((text): DiffLine => ({ kind: 'added', text })) : [];
  // The list comes with its first region, and goes with the last one.
  const kind = listed.length === 0 ? 'added' : removed >= 0 && listed.length === 1 ? 'removed' : 'same';
  return [{ kind: 'same', text: 'spec:' }, { kind, text: '  regions:' }, ...lines, ...added];
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

type Shown = Pick<RegistryView, 'namespace' | 'name' | 'generation' | 'listed' | 'follows'>;

/** True for the last region of an object that follows nothing: the API server refuses an empty list. */
export function isLastRegion({ listed, follows }: Pick<Shown, 'listed' | 'follows'>, change: RegionChange): boolean {
  return change.action === 'remove' && listed.length === 1 && !follows;
}

/** The same change for a terminal; undefined where there is none. It can be used later, since it tests what it replaces. */
export function kubectlCommand(
  shown: Shown,
  change: RegionChange,
  kubectlArgs: readonly string[] = [],
): string | undefined {
  const { namespace, name, listed } = shown;
  const { action, location } = change;
  const isListed = indexOfLocation(listed, location) >= 0;
  if ((action === 'add') === isListed || isLastRegion(shown, change)) return undefined;
  const spec = { regions: [...listed], regionsFrom: [{}] };
  const { operations } = specChange(spec, { kind: action, locations: [location] });
  const words = [
    ...['kubectl', ...kubectlArgs, '-n', namespace, 'patch', 'georep', name],
    ...['--type=json', '-p', JSON.stringify([...testsFor(shown, change), ...operations])],
  ];
  return words.map(shellQuote).join(' ');
}

function testsFor({ generation, listed }: Shown, { action, location }: RegionChange): PatchOperation[] {
  // A list that is not there cannot be tested.
  if (listed.length === 0) return [{ op: 'test', path: '/metadata/generation', value: generation }];
  if (action === 'add') return [];
  if (listed.length === 1) return [{ op: 'test', path: '/spec/regions', value: listed }];
  const index = indexOfLocation(listed, location);
  return [{ op: 'test', path: `/spec/regions/${index}/location`, value: listed[index]?.location }];
}
