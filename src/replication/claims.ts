// Tracks which object holds each registry, and which one acquires it when it is free. A change costs O(log n) comparisons
// among the objects that name the registry, and wakes only those whose claim may change. Most registries have one object, so
// that is what takes little memory. It covers only objects that this operator watches.
import { finalizer, type RegistryReplication } from '../api/registryreplication.ts';
import { compareText, insertSorted, removeSorted } from '../lib/sorted.ts';
import { problemsOf, registryKey } from './validation.ts';

/** One object that names a registry. */
interface Claimant {
  /** namespace/name */
  readonly key: string;
  readonly uid: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** ms since the epoch at which it acquired its claim; undefined without a claim. */
  readonly claimedAt: number | undefined;
  /** Valid, unsuspended, in mode Manage and not being deleted. */
  readonly isEligible: boolean;
  /** Its last pass found that it is not authorized to use the registry. */
  readonly isDenied: boolean;
  readonly registry: Registry;
}

interface Registry {
  /** By `registryKey`. */
  readonly id: string;
  /** Number of objects that name it. */
  members: number;
  /** Those with a claim, oldest claim first; more than one after a lost race or a restored backup. */
  claims: Claimant[];
  /** Those that may acquire it, oldest object first. */
  candidates: Claimant[];
  /** The key of the object whose pass acquires the registry now. */
  acquiring: string | undefined;
}

/**
 * Enqueues objects by namespace/name. `claim`: the object may acquire its registry, or must give up a claim that lost.
 * `message`: the holder named in the object's status is gone.
 */
export type Wake = (keys: readonly string[], why: 'claim' | 'message') => void;

/**
 * Guarantees: the holder is the object whose `status.claim` is set; of several, the one with the oldest claim. `acquire`
 * succeeds for one object of a registry at a time, and only while no object holds it.
 *
 * Assumptions: `put` and `drop` see every version of an object in the store, own writes included, before the next pass
 * reads it.
 */
export class Claims {
  readonly #wake: Wake;
  readonly #registries = new Map<string, Registry>();
  readonly #claimants = new Map<string, Claimant>();
  /** Total number of comparisons. */
  comparisons = 0;

  constructor(wake: Wake) {
    this.#wake = wake;
  }

  /** Number of registries that are kept: those that an object names or acquires. */
  get size(): number {
    return this.#registries.size;
  }

  /** Records the current version of the object. */
  put(object: RegistryReplication): void {
    const key = keyOf(object);
    const id = registryKey(object.spec.registry);
    const last = this.#claimants.get(key);
    if (last && last.registry.id !== id) this.#replace(last.registry, key, undefined);
    const registry = this.#registries.get(id) ?? { id, members: 0, claims: [], candidates: [], acquiring: undefined };
    const isDenied = this.#claimant(object)?.isDenied ?? false;
    this.#replace(registry, key, claimantFrom(object, { key, isDenied, registry }));
  }

  /** Removes an object that is gone. */
  drop(object: RegistryReplication): void {
    const key = keyOf(object);
    const last = this.#claimants.get(key);
    if (last) this.#replace(last.registry, key, undefined);
  }

  /** Records whether a pass found the object unauthorized for its registry. A denied object acquires nothing. */
  deny(object: RegistryReplication, isDenied: boolean): void {
    const last = this.#claimant(object);
    if (last) this.#replace(last.registry, last.key, { ...last, isDenied });
  }

  /** namespace/name of the object that holds or is acquiring this object's registry; undefined if it is free. */
  holder(object: RegistryReplication): string | undefined {
    const registry = this.#registries.get(registryKey(object.spec.registry));
    return registry?.claims[0]?.key ?? registry?.acquiring;
  }

  isHolder(object: RegistryReplication): boolean {
    const holder = this.#registries.get(registryKey(object.spec.registry))?.claims[0];
    return holder !== undefined && holder.uid === uidOf(object);
  }

  /** namespace/name of the object that acquires this object's registry next. */
  candidate(object: RegistryReplication): string | undefined {
    return this.#registries.get(registryKey(object.spec.registry))?.candidates[0]?.key;
  }

  /** Reserves the free registry for a pass of this object. The pass must store the claim and then call `endReservation`. */
  acquire(object: RegistryReplication): boolean {
    const registry = this.#registries.get(registryKey(object.spec.registry));
    const [candidate] = registry?.candidates ?? [];
    if (!registry || !candidate || candidate.uid !== uidOf(object)) return false;
    if (registry.claims.length > 0 || registry.acquiring !== undefined) return false;
    registry.acquiring = candidate.key;
    return true;
  }

  /** Ends the reservation after the pass, whether the claim was stored or not. */
  endReservation(object: RegistryReplication): void {
    const key = keyOf(object);
    const id = registryKey(object.spec.registry);
    const registry = this.#registries.get(id);
    if (registry?.acquiring !== key) return;
    registry.acquiring = undefined;
    if (registry.members === 0) this.#registries.delete(id);
    const candidate = registry.candidates[0]?.key;
    // `acquire` failed for an object that became the candidate meanwhile.
    if (registry.claims.length === 0 && candidate !== undefined && candidate !== key) this.#wake([candidate], 'claim');
  }

  #claimant(object: RegistryReplication): Claimant | undefined {
    const claimant = this.#claimants.get(keyOf(object));
    const isSameObject = claimant?.uid === uidOf(object) && claimant.registry.id === registryKey(object.spec.registry);
    return isSameObject ? claimant : undefined;
  }

  #replace(registry: Registry, key: string, next: Claimant | undefined): void {
    const last = this.#claimants.get(key);
    if (last === next || (last && next && isSame(last, next))) return;
    const before = { holder: registry.claims[0]?.key, candidate: registry.candidates[0]?.key };
    if (last) this.#remove(last);
    if (next) this.#insert(next);
    registry.members += Number(next !== undefined) - Number(last !== undefined);
    if (next) this.#claimants.set(key, next);
    else this.#claimants.delete(key);
    if (registry.members > 0 || registry.acquiring !== undefined) this.#registries.set(registry.id, registry);
    else this.#registries.delete(registry.id);
    this.#wakeAfter(registry, before, key);
  }

  #wakeAfter(
    registry: Registry,
    before: { readonly holder: string | undefined; readonly candidate: string | undefined },
    changed: string,
  ): void {
    const { claims, candidates } = registry;
    const losers = claims.slice(1).map(({ key }) => key);
    if (losers.length > 0) this.#wake(losers, 'claim');
    if (claims.length > 0) return;
    const candidate = candidates[0]?.key;
    const isNew = before.holder !== undefined || candidate !== before.candidate;
    if (isNew && candidate !== undefined && candidate !== changed) this.#wake([candidate], 'claim');
    if (before.holder === undefined) return;
    const others = this.#membersOf(registry).filter((key) => key !== changed && key !== candidate);
    if (others.length > 0) this.#wake(others, 'message');
  }

  /** The keys of the objects that name it. Rarely needed, so a registry has no list of them. */
  #membersOf(registry: Registry): string[] {
    const { members, candidates } = registry;
    const isListed = candidates.length === members;
    const all = isListed ? candidates : [...this.#claimants.values()].filter((one) => one.registry === registry);
    return all.map(({ key }) => key);
  }

  #insert(claimant: Claimant): void {
    const { registry } = claimant;
    if (claimant.claimedAt !== undefined)
      registry.claims = withInserted(registry.claims, claimant, this.#counted(byClaim));
    if (isCandidate(claimant)) registry.candidates = withInserted(registry.candidates, claimant, this.#counted(byAge));
  }

  #remove(claimant: Claimant): void {
    const { registry } = claimant;
    if (claimant.claimedAt !== undefined) removeSorted(registry.claims, claimant, this.#counted(byClaim));
    if (isCandidate(claimant)) removeSorted(registry.candidates, claimant, this.#counted(byAge));
  }

  #counted(compare: (one: Claimant, other: Claimant) => number): (one: Claimant, other: Claimant) => number {
    return (one, other) => {
      this.comparisons++;
      return compare(one, other);
    };
  }
}

/** An array that grows has room for 16 more, which would be most of a registry's memory: the first element gets one without. */
function withInserted(list: Claimant[], claimant: Claimant, compare: typeof byAge): Claimant[] {
  if (list.length === 0) return [claimant];
  insertSorted(list, claimant, compare);
  return list;
}

/** Undefined once the object is being deleted and no longer has our finalizer. */
function claimantFrom(
  object: RegistryReplication,
  { key, isDenied, registry }: Pick<Claimant, 'key' | 'isDenied' | 'registry'>,
): Claimant | undefined {
  const { spec, metadata, status } = object;
  const isDeleted = metadata.deletionTimestamp !== undefined;
  if (isDeleted && !metadata.finalizers?.includes(finalizer)) return undefined;
  const since = status?.claim?.since;
  return {
    key,
    uid: uidOf(object),
    createdAt: new Date(metadata.creationTimestamp ?? 0).getTime(),
    // An unparsable time sorts last.
    claimedAt: since === undefined ? undefined : Date.parse(since) || Number.MAX_SAFE_INTEGER,
    isEligible: !isDeleted && spec.mode !== 'Observe' && !spec.suspend && problemsOf(object).length === 0,
    isDenied,
    registry,
  };
}

function isCandidate({ isEligible, isDenied }: Claimant): boolean {
  return isEligible && !isDenied;
}

function isSame(one: Claimant, other: Claimant): boolean {
  return byClaim(one, other) === 0 && one.isEligible === other.isEligible && one.isDenied === other.isDenied;
}

function byClaim(one: Claimant, other: Claimant): number {
  const claimedAt = (claimant: Claimant) => claimant.claimedAt ?? Number.POSITIVE_INFINITY;
  const [a, b] = [claimedAt(one), claimedAt(other)];
  return a === b ? byAge(one, other) : a - b;
}

function byAge(one: Claimant, other: Claimant): number {
  return one.createdAt - other.createdAt || compareText(one.uid, other.uid) || compareText(one.key, other.key);
}

/** Joined, as in `namespacedName`. */
function keyOf({ metadata: { namespace, name } }: RegistryReplication): string {
  return [namespace, name].join('/');
}

function uidOf({ metadata }: RegistryReplication): string {
  return metadata.uid ?? '';
}
