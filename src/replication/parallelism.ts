// Limits how many replicas of one registry are in motion at a time: fewer after ARM refuses a write because another operation
// is running, more again after accepted writes. Azure documents no such number. The arithmetic is pure.
import { LRUCache } from 'lru-cache';
import { isAlreadyThere, type RegistryReference } from '../azure/arm.ts';
import type { Clock } from '../lib/clock.ts';
import { isAccepted, type Result } from './pass.ts';
import { registryKey } from './validation.ts';

/** A limit that is lower than the operator's; undefined where it is not. */
export interface ReducedLimit {
  readonly limit: number;
  /** Accepted writes since the last change of the limit. */
  readonly accepted: number;
  /** Accepted writes for each step up. */
  readonly writesPerStep: number;
  /** All refusals came while no replica was in motion by us: the operation was another client's. */
  readonly isByOthers: boolean;
}

/** The writes of one pass. */
export interface PassWrites {
  /** Replicas in motion before them. */
  readonly inMotion: number;
  readonly accepted: number;
  /** Refused, because another operation is running. */
  readonly refused: number;
}

const maxWritesPerStep = 16;

/**
 * Halves the limit, or what was tried if that is less, however many writes of the pass were refused: they were sent at once.
 * A write that was refused alone lowers nothing.
 *
 * Accepted writes raise the limit: they prove that it holds, and a completed creation proves no more, and later. If another
 * client's operation was in the way, the first one restores the limit. Otherwise each raises it by one, and after each further
 * refusal half as fast, so that a registry that allows only a few is tried less and less.
 */
export function adaptLimit(
  reduced: ReducedLimit | undefined,
  { inMotion, accepted, refused }: PassWrites,
  maxParallelActions: number,
): ReducedLimit | undefined {
  const limit = Math.min(reduced?.limit ?? maxParallelActions, maxParallelActions);
  const tried = inMotion + accepted + refused;
  if (refused > 0) {
    if (tried === 1) return reduced;
    const isByOthers = inMotion + accepted === 0 && reduced?.isByOthers !== false;
    const writesPerStep = reduced && !isByOthers ? Math.min(2 * reduced.writesPerStep, maxWritesPerStep) : 1;
    return { limit: Math.max(1, Math.floor(Math.min(limit, tried) / 2)), accepted: 0, writesPerStep, isByOthers };
  }
  if (!reduced || accepted === 0) return reduced;
  const { writesPerStep, isByOthers } = reduced;
  const sum = reduced.accepted + accepted;
  const raised = limit + Math.floor(sum / writesPerStep);
  if (isByOthers || raised >= maxParallelActions) return undefined;
  return { ...reduced, limit: raised, accepted: sum % writesPerStep };
}

/** Only registries with a reduced limit are kept. One beyond this many starts over with the operator's limit. */
const maxRegistries = 1_000;
/** After so long without a write, what was in the way is taken to be over. */
const forgetAfterMs = 3_600_000;

export class ParallelismLimits {
  readonly #reduced: LRUCache<string, ReducedLimit>;

  constructor(clock: Clock) {
    const perf = { now: () => clock.now().getTime() };
    this.#reduced = new LRUCache({ max: maxRegistries, ttl: forgetAfterMs, ttlResolution: 0, perf });
  }

  /** The limit of this registry now, at most `maxParallelActions`. */
  limitOf(registry: RegistryReference, maxParallelActions: number): number {
    return Math.min(this.#reduced.get(registryKey(registry))?.limit ?? maxParallelActions, maxParallelActions);
  }

  /** Records the results of one pass. True if the limit is higher now. */
  record(
    registry: RegistryReference,
    inMotion: number,
    results: readonly Result[],
    maxParallelActions: number,
  ): boolean {
    const accepted = results.filter(isAccepted).length;
    const refused = results.filter(isRefusedAsBusy).length;
    if (accepted + refused === 0) return false;
    const before = this.limitOf(registry, maxParallelActions);
    const key = registryKey(registry);
    const next = adaptLimit(this.#reduced.get(key), { inMotion, accepted, refused }, maxParallelActions);
    if (next) this.#reduced.set(key, next);
    else this.#reduced.delete(key);
    return this.limitOf(registry, maxParallelActions) > before;
  }

  forget(registry: RegistryReference): void {
    this.#reduced.delete(registryKey(registry));
  }
}

function isRefusedAsBusy({ outcome }: Result): boolean {
  return outcome.kind === 'notAccepted' && outcome.error.kind === 'Conflict' && !isAlreadyThere(outcome.error);
}
