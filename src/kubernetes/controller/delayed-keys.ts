// The keys of a work queue that are to be queued later. Keys with a long delay share timers: 10,000 timers of their own would take
// 8 MB.
import type { Clock } from '../../lib/clock.ts';

/** The keys whose delay ends at the same time. */
interface Batch<P> {
  /** ms since the epoch. */
  readonly due: number;
  readonly keys: Map<string, P>;
  readonly cancel: () => void;
}

/** A longer delay ends on a whole second, so that keys share it. Shorter ones are kept for polls and retries. */
const maxExactMs = 60_000;

export class DelayedKeys<P> {
  readonly #clock: Clock;
  readonly #onDue: (key: string, priority: P) => void;
  readonly #batches = new Map<number, Batch<P>>();
  readonly #batchOf = new Map<string, Batch<P>>();

  /** @param onDue Called when the delay of a key ends. */
  constructor(clock: Clock, onDue: (key: string, priority: P) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** The priority of a key; undefined if it has no delay. */
  priorityOf(key: string): P | undefined {
    return this.#batchOf.get(key)?.keys.get(key);
  }

  /** Sets the key's priority, and its delay unless it has one that ends sooner. */
  set(key: string, ms: number, priority: P): void {
    const due = this.#dueIn(ms);
    const before = this.#batchOf.get(key);
    if (before && before.due <= due) {
      before.keys.set(key, priority);
      return;
    }
    this.delete(key);
    const batch = this.#batches.get(due) ?? this.#newBatch(due);
    batch.keys.set(key, priority);
    this.#batchOf.set(key, batch);
  }

  delete(key: string): void {
    const batch = this.#batchOf.get(key);
    if (!batch) return;
    this.#batchOf.delete(key);
    batch.keys.delete(key);
    if (batch.keys.size > 0) return;
    batch.cancel();
    this.#batches.delete(batch.due);
  }

  clear(): void {
    for (const { cancel } of this.#batches.values()) cancel();
    this.#batches.clear();
    this.#batchOf.clear();
  }

  #dueIn(ms: number): number {
    const due = this.#now() + ms;
    return ms <= maxExactMs ? due : Math.ceil(due / 1_000) * 1_000;
  }

  #newBatch(due: number): Batch<P> {
    const cancel = this.#clock.after(due - this.#now(), () => this.#end(due));
    const batch: Batch<P> = { due, keys: new Map(), cancel };
    this.#batches.set(due, batch);
    return batch;
  }

  #end(due: number): void {
    const keys = this.#batches.get(due)?.keys ?? [];
    this.#batches.delete(due);
    for (const [key] of keys) this.#batchOf.delete(key);
    for (const [key, priority] of keys) this.#onDue(key, priority);
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
