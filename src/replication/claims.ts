// Tracks which object holds each registry, and which one acquires it when it is free. A change costs O(log n) comparisons
// among the objects that name the registry, and wakes only those whose claim may change. It covers only objects that this
// operator watches.
import { finalizer, type RegistryReplication } from '../api/registryreplication.ts';
import { compareText, insertSorted, removeSorted } from '../lib/sorted.ts';
import { problemsOf, registryId } from './validation.ts';

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
}

interface Registry {
  readonly members: Map<string, Claimant>;
  /** Members with a claim, oldest claim first; more than one after a lost race or a restored backup. */
  readonly claims: Claimant[];
  /** Members that may acquire it, oldest object first. */
  readonly candidates: Claimant[];
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
  readonly #registryOf = new Map<string, string>();
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
    const id = registryOf(object);
    if (this.#registryOf.get(key) !== id) this.drop(object);
    this.#registryOf.set(key, id);
    const isDenied = this.#claimant(object)?.isDenied ?? false;
    this.#replace(id, key, claimantFrom(object, isDenied));
  }

  /** Removes an object that is gone. */
  drop(object: RegistryReplication): void {
    const key = keyOf(object);
    const id = this.#registryOf.get(key);
    this.#registryOf.delete(key);
    if (id !== undefined) this.#replace(id, key, undefined);
  }

  /** Records whether a pass found the object unauthorized for its registry. A denied object acquires nothing. */
  deny(object: RegistryReplication, isDenied: boolean): void {
    const last = this.#claimant(object);
    if (last) this.#replace(registryOf(object), last.key, { ...last, isDenied });
  }

  /** namespace/name of the object that holds or is acquiring this object's registry; undefined if it is free. */
  holder(object: RegistryReplication): string | undefined {
    const registry = this.#registries.get(registryOf(object));
    return registry?.claims[0]?.key ?? registry?.acquiring;
  }

  isHolder(object: RegistryReplication): boolean {
    const holder = this.#registries.get(registryOf(object))?.claims[0];
    return holder !== undefined && holder.uid === uidOf(object);
  }

  /** namespace/name of the object that acquires this object's registry next. */
  candidate(object: RegistryReplication): string | undefined {
    return this.#registries.get(registryOf(object))?.candidates[0]?.key;
  }

  /** Reserves the free registry for a pass of this object. The pass must store the claim and then call `endReservation`. */
  acquire(object: RegistryReplication): boolean {
    const registry = this.#registries.get(registryOf(object));
    const [candidate] = registry?.candidates ?? [];
    if (!registry || !candidate || candidate.uid !== uidOf(object)) return false;
    if (registry.claims.length > 0 || registry.acquiring !== undefined) return false;
    registry.acquiring = candidate.key;
    return true;
  }

  /** Ends the reservation after the pass, whether the claim was stored or not. */
  endReservation(object: RegistryReplication): void {
    const key = keyOf(object);
    const id = registryOf(object);
    const registry = this.#registries.get(id);
    if (registry?.acquiring !== key) return;
    registry.acquiring = undefined;
    if (registry.members.size === 0) this.#registries.delete(id);
    const candidate = registry.candidates[0]?.key;
    // `acquire` failed for an object that became the candidate meanwhile.
    if (registry.claims.length === 0 && candidate !== undefined && candidate !== key) this.#wake([candidate], 'claim');
  }

  #claimant(object: RegistryReplication): Claimant | undefined {
    const claimant = this.#registries.get(registryOf(object))?.members.get(keyOf(object));
    return claimant?.uid === uidOf(object) ? claimant : undefined;
  }

  #replace(id: string, key: string, next: Claimant | undefined): void {
    const registry = this.#registries.get(id) ?? emptyRegistry();
    const last = registry.members.get(key);
    if (last === next || (last && next && isSame(last, next))) return;
    const before = { holder: registry.claims[0]?.key, candidate: registry.candidates[0]?.key };
    this.#edit(registry, last, removeSorted);
    this.#edit(registry, next, insertSorted);
    if (next) registry.members.set(key, next);
    else registry.members.delete(key);
    if (registry.members.size > 0 || registry.acquiring !== undefined) this.#registries.set(id, registry);
    else this.#registries.delete(id);
    this.#wakeAfter(registry, before, key);
  }

  #wakeAfter(
    { members, claims, candidates }: Registry,
    before: { readonly holder: string | undefined; readonly candidate: string | undefined },
    changed: string,
  ): void {
    const losers = claims.slice(1).map(({ key }) => key);
    if (losers.length > 0) this.#wake(losers, 'claim');
    if (claims.length > 0) return;
    const candidate = candidates[0]?.key;
    const isNew = before.holder !== undefined || candidate !== before.candidate;
    if (isNew && candidate !== undefined && candidate !== changed) this.#wake([candidate], 'claim');
    if (before.holder === undefined) return;
    const others = [...members.keys()].filter((key) => key !== changed && key !== candidate);
    if (others.length > 0) this.#wake(others, 'message');
  }

  #edit(registry: Registry, claimant: Claimant | undefined, edit: typeof insertSorted<Claimant>): void {
    if (!claimant) return;
    if (claimant.claimedAt !== undefined) edit(registry.claims, claimant, this.#counted(byClaim));
    if (isCandidate(claimant)) edit(registry.candidates, claimant, this.#counted(byAge));
  }

  #counted(compare: (one: Claimant, other: Claimant) => number): (one: Claimant, other: Claimant) => number {
    return (one, other) => {
      this.comparisons++;
      return compare(one, other);
    };
  }
}

/** Undefined once the object is being deleted and no longer has our finalizer. */
function claimantFrom(object: RegistryReplication, isDenied: boolean): Claimant | undefined {
  const { spec, metadata, status } = object;
  const isDeleted = metadata.deletionTimestamp !== undefined;
  if (isDeleted && !metadata.finalizers?.includes(finalizer)) return undefined;
  const since = status?.claim?.since;
  return {
    key: keyOf(object),
    uid: uidOf(object),
    createdAt: new Date(metadata.creationTimestamp ?? 0).getTime(),
    // An unparsable time sorts last.
    claimedAt: since === undefined ? undefined : Date.parse(since) || Number.MAX_SAFE_INTEGER,
    isEligible: !isDeleted && spec.mode !== 'Observe' && !spec.suspend && problemsOf(object).length === 0,
    isDenied,
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

function emptyRegistry(): Registry {
  return { members: new Map(), claims: [], candidates: [], acquiring: undefined };
}

function keyOf({ metadata: { namespace, name } }: RegistryReplication): string {
  return `${namespace}/${name}`;
}

function uidOf({ metadata }: RegistryReplication): string {
  return metadata.uid ?? '';
}

function registryOf({ spec }: RegistryReplication): string {
  return registryId(spec.registry).toLowerCase();
}
