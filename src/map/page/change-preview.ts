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
  { namespace, name, listed }: Pick<RegistryView, 'namespace' | 'name' | 'listed'>,
  { action, location }: RegionChange,
  kubectlArgs: readonly string[] = [],
): string | undefined {
  const index = indexOfLocation(listed, location);
  const found = listed[index];
  if ((action === 'add') === (found !== undefined)) return undefined;
  const tests: PatchOperation[] = found
    ? [{ op: 'test', path: `/spec/regions/${index}/location`, value: found.location }]
    : [];
  const { operations } = specChange({ regions: [...listed] }, { kind: action, locations: [location] });
  const words = [
    ...['kubectl', ...kubectlArgs, '-n', namespace, 'patch', 'georep', name],
    ...['--type=json', '-p', JSON.stringify([...tests, ...operations])],
  ];
  return words.map(shellQuote).join(' ');
}
