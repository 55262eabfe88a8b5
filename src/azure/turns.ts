// Who waits for tokens of one bucket, in which order: first come, first served, and people's edits before upkeep. A queue of
// promises, not of requests: nobody stands in it, each was told when to come again. Whether there are tokens is not its business.

/** Why somebody asks: a person waits for it, or nobody does. */
export type Urgency = 'edit' | 'upkeep';

/** ms by which an edit may overtake upkeep that asked before it: upkeep that has waited for so long is overtaken no more. */
const patience = 5 * 60_000;

/** ms after its turn in which tokens are still kept for somebody. */
const lateness = 10_000;

/** ms after its turn in which somebody who comes late still has the place. */
const memory = 10 * 60_000;

export interface Place {
  /** ms: the order in the queue. */
  readonly order: number;
  /** Breaks ties. */
  readonly ticket: number;
  /** Tokens wanted at once. */
  readonly need: number;
  /** When it was told to come. */
  readonly due: number;
}

export class Turns {
  readonly #places = new Map<string, Place>();
  #tickets = 0;

  /** Where it stands, or would stand if it began to wait now; an edit moves up whoever waits for upkeep. */
  placeOf(who: string, urgency: Urgency, now: number): Place {
    const order = now + (urgency === 'upkeep' ? patience : 0);
    const before = this.#places.get(who);
    if (before && isKept(before, now)) return { ...before, order: Math.min(before.order, order) };
    return { order, ticket: ++this.#tickets, need: 0, due: now };
  }

  /** Tokens that are kept for those before it. */
  ahead(of: Place, now: number): number {
    let tokens = 0;
    for (const [who, place] of this.#places) {
      if (!isKept(place, now)) this.#places.delete(who);
      else if (now <= place.due + lateness && isBefore(place, of)) tokens += place.need;
    }
    return tokens;
  }

  wait(who: string, place: Place): void {
    this.#places.set(who, place);
  }

  leave(who: string): void {
    this.#places.delete(who);
  }

  /** How many have a place. */
  waiting(now: number): number {
    return [...this.#places.values()].filter((place) => isKept(place, now)).length;
  }
}

function isKept({ due }: Place, now: number): boolean {
  return now <= due + memory;
}

function isBefore(one: Place, other: Place): boolean {
  return one.order < other.order || (one.order === other.order && one.ticket < other.ticket);
}
