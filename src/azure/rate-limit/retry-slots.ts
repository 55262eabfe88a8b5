// Spreads the retries of callers that were held back, so that they return one after the other and their namespaces in turn. A slot
// reserves no token: it is a time, and forgotten once it is past.

/** Shorter waits are not worth a requeue. */
const minWaitMs = 50;

interface Slot {
  readonly at: number;
  /** It was given while it was the namespace's turn, so the caller returns in that turn. */
  readonly isTurn: boolean;
}

interface Line {
  /** The latest slot, or the start of the latest pass. */
  last: number;
  /** By caller, the earlier ones first (as a rule). */
  readonly slots: Map<string, Slot>;
}

export interface Waiting {
  readonly id: string;
  /** Undefined: of no namespace. They count as one. */
  readonly namespace?: string;
}

export interface Spacing {
  /** Between two callers. */
  readonly intervalMs: number;
  /** From a caller in its namespace's turn to one that leaves tokens to other namespaces: they are gained meanwhile. */
  readonly afterTurnMs: number;
}

export class RetrySlots {
  readonly #spacing: Spacing;
  readonly #lines = new Map<string | undefined, Line>();
  #last = Number.NEGATIVE_INFINITY;
  #lastTurn = Number.NEGATIVE_INFINITY;
  #forgottenAt = Number.NEGATIVE_INFINITY;

  constructor(spacing: Spacing) {
    this.#spacing = spacing;
  }

  get last(): number {
    return this.#last;
  }

  /** False while the namespace has another slot to come, and for one round of all namespaces after its latest pass or slot. */
  isTurnOf({ id, namespace }: Waiting, now: number): boolean {
    this.#forgetPast(now);
    const line = this.#lines.get(namespace);
    return !line || line.slots.get(id)?.isTurn === true || line.last + this.#roundMs <= now;
  }

  /** The caller's slot if it is still to come, else the next free one of its namespace. */
  slotFor(caller: Waiting, earliest: number, now: number): number {
    const minimum = Math.max(earliest, now + minWaitMs);
    const isTurn = this.isTurnOf(caller, now);
    const line = this.#lineOf(caller.namespace);
    const known = line.slots.get(caller.id);
    if (known && known.at > now) return Math.max(known.at, minimum);
    const at = Math.max(minimum, isTurn ? this.#lastTurn + this.#spacing.intervalMs : this.#nextSlotOf(line));
    line.slots.delete(caller.id);
    line.slots.set(caller.id, { at, isTurn });
    line.last = Math.max(line.last, at);
    this.#last = Math.max(this.#last, at);
    if (isTurn) this.#lastTurn = at;
    return at;
  }

  /** One round later, so that others have their turns in between, but never later than behind all slots. */
  #nextSlotOf({ last }: Line): number {
    const { intervalMs, afterTurnMs } = this.#spacing;
    return Math.max(Math.min(last + this.#roundMs, this.#last + intervalMs), this.#lastTurn + afterTurnMs);
  }

  release({ id, namespace }: Waiting): void {
    this.#lines.get(namespace)?.slots.delete(id);
  }

  /** A pass of the namespace begins: its next turn comes after the others'. */
  passed({ namespace }: Waiting, now: number): void {
    const line = this.#lineOf(namespace);
    line.last = Math.max(line.last, now);
  }

  /** Number of callers whose slot is still to come. */
  count(now: number): number {
    return [...this.#lines.values()].flatMap(({ slots }) => [...slots.values()]).filter(({ at }) => at > now).length;
  }

  /** The time in which every namespace that waits or passed lately has one turn. */
  get #roundMs(): number {
    return this.#spacing.intervalMs * this.#lines.size;
  }

  #lineOf(namespace: string | undefined): Line {
    const line = this.#lines.get(namespace) ?? { last: Number.NEGATIVE_INFINITY, slots: new Map() };
    this.#lines.set(namespace, line);
    return line;
  }

  /** Often enough: it costs a step for each namespace. */
  #forgetPast(now: number): void {
    if (now < this.#forgottenAt + minWaitMs) return;
    this.#forgottenAt = now;
    const roundMs = this.#roundMs;
    for (const [namespace, { last, slots }] of this.#lines) {
      for (const [caller, { at }] of slots) {
        if (at + roundMs > now) break;
        slots.delete(caller);
      }
      if (last + roundMs <= now) this.#lines.delete(namespace);
    }
  }
}
