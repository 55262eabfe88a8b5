// Validates the spec. It repeats the CEL rules, which API servers before 1.25 ignore, and adds Azure's rules that the schema
// cannot express. The operator never acts on an invalid spec.
import {
  listedRegions,
  type RegionSource,
  type RegionSpec,
  type RegistryReplication,
  type Spec,
} from '../api/registryreplication.ts';
import type { RegistryReference } from '../azure/arm.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';
import { isGuid } from '../lib/guid.ts';
import { normalise } from './location.ts';

const shortestInterval = 60_000;
/** Times in a status are whole seconds. */
const shortestDeadline = 1_000;
/** A year. */
const longestDelay = 8_760 * 3_600_000;

/** Azure's rules for tag names (Azure Resource Manager documentation, "Tag limitations"). */
const tagName = { longest: 512, forbidden: /[<>%&\\?/]/, reserved: /^(azure|microsoft|windows)/i };

/** Maximum of regions times tags of any one region; bounds the size of an object. */
export const maxTags = 500;

/** Rejected in tag names, because the status repeats the names of owned tags. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * All problems of the object's spec, as sentences for users; empty if valid. The result is cached: passes of other
 * objects with the same registry need it too, and an object may be large.
 */
export function problemsOf(object: RegistryReplication): readonly string[] {
  const found = known.get(object) ?? allProblemsOf(object);
  known.set(object, found);
  return found;
}

const known = new WeakMap<RegistryReplication, readonly string[]>();

function allProblemsOf({ spec, status }: RegistryReplication): string[] {
  return [
    ...problemsOfRegistry(spec.registry, status?.registry?.id),
    ...problemsOfRegions(listedRegions(spec), spec.regionsFrom ?? []),
    ...problemsOfSources(spec.regionsFrom ?? []),
    ...problemsOfIdentity(spec.identity),
    ...problemsOfDuration('interval', spec.interval, shortestInterval),
    ...problemsOfDuration('progressDeadline', spec.progressDeadline, shortestDeadline),
    ...problemsOfDuration('pruneDelay', spec.pruneDelay, 0, longestDelay),
    ...problemsOfDuration('keepUnused', spec.keepUnused, 0, longestDelay),
  ];
}

/** The ARM id of a registry; compare case-insensitively. */
export function registryId({ subscriptionId, resourceGroup, name }: RegistryReference): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

/** Equal for two references to the same registry, and half as long as its id. */
export function registryKey({ subscriptionId, resourceGroup, name }: RegistryReference): string {
  return [subscriptionId, resourceGroup, name].join('/').toLowerCase();
}

function* problemsOfRegistry(registry: Spec['registry'], seenId: string | undefined): Generator<string> {
  if (!isGuid(registry.subscriptionId))
    yield `spec.registry.subscriptionId "${registry.subscriptionId}" is not a subscription id such as 00000000-0000-0000-0000-000000000000`;
  if (!/^[-\w.()]{0,89}[-\w()]$/.test(registry.resourceGroup))
    yield `spec.registry.resourceGroup "${registry.resourceGroup}" is not a resource group's name`;
  if (!/^[a-z0-9]{5,50}$/i.test(registry.name))
    yield `spec.registry.name "${registry.name}" is not a registry's name: 5 to 50 letters and digits, without the login server's suffix`;
  if (seenId !== undefined && seenId.toLowerCase() !== registryId(registry).toLowerCase())
    yield `spec.registry is immutable: change it back, and create another RegistryReplication for another registry (it was ${seenId})`;
}

function* problemsOfRegions(regions: readonly RegionSpec[], sources: readonly RegionSource[]): Generator<string> {
  if (regions.length === 0 && sources.length === 0)
    yield 'spec.regions is empty: list the home region alone if no other replicas are wanted, or name a source in spec.regionsFrom';
  if (regions.length > 100) yield `spec.regions has ${regions.length} entries; at most 100 are allowed`;
  const spellings = new Map<string, string>();
  for (const { location, tags } of regions) {
    if (location.length > 64 || !/^[a-z0-9]([a-z0-9 ]*[a-z0-9])?$/i.test(location))
      yield `spec.regions: "${location}" is not a region's name such as japaneast or "Japan East"`;
    const same = spellings.get(normalise(location));
    if (same !== undefined) yield `spec.regions lists ${normalise(location)} twice, as "${same}" and "${location}"`;
    spellings.set(normalise(location), location);
    yield* problemsOfTags(`spec.regions: ${location}`, Object.entries(tags ?? {}));
  }
  const mostTags = Math.max(0, ...regions.map(({ tags }) => Object.keys(tags ?? {}).length));
  if (mostTags * regions.length > maxTags)
    yield `spec.regions has ${regions.length} regions with up to ${mostTags} tags; the number of regions times the number of tags of any one region is at most ${maxTags}`;
}

function* problemsOfTags(where: string, tags: [string, string][]): Generator<string> {
  if (tags.length > 50) yield `${where} has ${tags.length} tags; Azure allows 50`;
  const names = new Set<string>();
  for (const [name, value] of tags) {
    if (name === '' || name.length > tagName.longest || tagName.forbidden.test(name))
      yield `${where} has the tag name "${name}"; Azure allows 1 to ${tagName.longest} characters without < > % & \\ ? /`;
    else if (tagName.reserved.test(name))
      yield `${where} has the tag name "${name}"; Azure reserves the names that begin with azure, microsoft or windows`;
    else if (invisible.test(name)) yield `${where} has the tag name "${name}", of which some characters cannot be seen`;
    if (value.length > 256) yield `${where} has a tag "${name}" longer than Azure's 256 characters`;
    if (names.has(name.toLowerCase()))
      yield `${where} has the tag "${name}" twice; Azure ignores the case of tag names`;
    names.add(name.toLowerCase());
  }
}

/** An API server before 1.25 does not say that a source is either nodes or resources. */
function* problemsOfSources(sources: readonly RegionSource[]): Generator<string> {
  for (const [index, source] of sources.entries()) {
    const where = `spec.regionsFrom[${index}]`;
    if ((source.nodes === undefined) === (source.resources === undefined))
      yield `${where} names ${source.nodes ? 'both nodes and resources' : 'neither nodes nor resources'}; a source is one of them`;
    const selector = (source.nodes ?? source.resources)?.selector;
    for (const { key, operator, values = [] } of selector?.matchExpressions ?? [])
      if ((operator === 'In' || operator === 'NotIn') !== values.length > 0)
        yield `${where}: the requirement on the label "${key}" has ${values.length} values; In and NotIn need some, Exists and DoesNotExist take none`;
    yield* problemsOfTags(where, Object.entries(source.tags ?? {}));
  }
}

/** Applies Kubernetes' rule for most object names. An invalid name might be read as one of another namespace. */
function* problemsOfIdentity(identity: Spec['identity']): Generator<string> {
  if (identity === undefined) return;
  const { serviceAccountName: name } = identity;
  if (name.length > 253 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name))
    yield `spec.identity.serviceAccountName "${name}" is not the name of a ServiceAccount; it is always one of this object's own namespace`;
}

function* problemsOfDuration(
  field: string,
  duration: string | undefined,
  least: number,
  most = Number.POSITIVE_INFINITY,
): Generator<string> {
  if (duration === undefined) return;
  const ms = parseDuration(duration);
  if (ms === undefined) yield `spec.${field} "${duration}" is not a duration such as 10m or 1h30m`;
  else if (ms > most) yield `spec.${field} ${duration} is too long: at most ${formatDuration(most)}`;
  else if (ms < least) yield `spec.${field} ${duration} is too short: at least ${formatDuration(least)}`;
}
