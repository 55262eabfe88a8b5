// The faults that are on: set and removed by name while the emulator runs, and counted down as they apply.
import type { Random } from '../random.ts';
import type { RefusalDetails } from '../refusal.ts';
import type { RequestInfo } from '../request-info.ts';
import type { Fault, Kind } from './fault.ts';

export type RequestFilter = (request: RequestInfo) => boolean;

/** Undoes the call that returned it; harmless when repeated. */
export type Undo = () => void;

/** A fault that is on. */
export interface ActiveFault<K extends Kind = Kind> {
  readonly name: string;
  readonly fault: Fault<K>;
  /** ms since the epoch: when it was set, and when it ends by itself. */
  readonly since: number;
  readonly until: number;
  /** How many more times it applies. */
  readonly left: number;
}

interface Refusal {
  readonly which: RequestFilter;
  readonly details: RefusalDetails;
  left: number;
}

export class Faults {
  readonly #now: () => number;
  readonly #random: Random;
  readonly #active = new Map<string, ActiveFault>();
  #refusals: Refusal[] = [];
  #unnamed = 0;

  /** `now` returns ms since the epoch. */
  constructor(now: () => number, random: Random) {
    this.#now = now;
    this.#random = random;
  }

  /** Sets a fault under this name, in place of any earlier one; counting starts over. */
  set(name: string, fault: Fault): ActiveFault {
    const since = this.#now();
    const active = { name, fault, since, until: since + (fault.for ?? Infinity), left: fault.times ?? Infinity };
    this.#active.set(name, active);
    return active;
  }

  /** Sets a fault in addition to all others. */
  add(fault: Fault): Undo {
    const name = `unnamed-${++this.#unnamed}`;
    this.set(name, fault);
    return () => {
      this.#active.delete(name);
    };
  }

  /** False if there is no fault of that name. */
  remove(name: string): boolean {
    return this.#active.delete(name);
  }

  clear(): void {
    this.#active.clear();
    this.#refusals = [];
  }

  /** Oldest first. */
  list(): readonly ActiveFault[] {
    const now = this.#now();
    for (const { name, until, left } of [...this.#active.values()]) {
      if (until <= now || left <= 0) this.#active.delete(name);
    }
    return [...this.#active.values()];
  }

  /**
   * The oldest fault of this kind that matches and, if it has a `chance`, is drawn. The call counts as one of its `times`,
   * so ask only once for each request or operation.
   */
  consume<K extends Kind>(
    kind: K,
    selects: (fault: Fault<K>, active: ActiveFault<K>) => boolean,
  ): ActiveFault<K> | undefined {
    if (this.#active.size === 0) return undefined;
    for (const active of this.list()) {
      if (!isOf(active, kind) || !selects(active.fault, active)) continue;
      const { chance = 1 } = active.fault;
      if (chance < 1 && this.#random() >= chance) continue;
      this.#active.set(active.name, { ...active, left: active.left - 1 });
      return active;
    }
    return undefined;
  }

  /** A uniform draw in ms. */
  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  /** Answers the matching requests with an error, `times` often or until undone. Only for tests in the same process. */
  refuse(which: RequestFilter, details: RefusalDetails, times = Number.POSITIVE_INFINITY): Undo {
    const refusal: Refusal = { which, details, left: times };
    this.#refusals.push(refusal);
    return () => {
      this.#refusals = this.#refusals.filter((other) => other !== refusal);
    };
  }

  /** The error that a test has set for this request, if any; the call counts as one of its times. */
  consumeRefusal(request: RequestInfo): RefusalDetails | undefined {
    const refusal = this.#refusals.find(({ which, left }) => left > 0 && which(request));
    if (!refusal) return undefined;
    refusal.left -= 1;
    return refusal.details;
  }
}

function isOf<K extends Kind>(active: { readonly fault: { readonly kind: Kind } }, kind: K): active is ActiveFault<K> {
  return active.fault.kind === kind;
}
