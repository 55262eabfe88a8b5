// What is to go wrong at the door, whatever the state behind it: chosen requests are answered with an error that a test
// has picked. Rules are tried in the order in which they were made.
import type { RefusalDetails } from './refusal.ts';

/** What a request says of itself before anything has looked at it; names are spelt as the client spelt them. */
export interface RequestInfo {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** The registry's name. */
  readonly registry?: string;
  /** The replica's ARM name. */
  readonly replica?: string;
  /** Parsed where it is JSON; only with writes to ARM. */
  readonly body?: unknown;
}

export type Which = (request: RequestInfo) => boolean;

/** Takes back what it was returned for; harmless when repeated. */
export type Undo = () => void;

interface Rule {
  readonly which: Which;
  readonly refusal: RefusalDetails;
  left: number;
}

export class Faults {
  #rules: Rule[] = [];

  /** Answers the chosen requests with an error, `times` often or until undone. */
  refuse(which: Which, refusal: RefusalDetails, times = Number.POSITIVE_INFINITY): Undo {
    const rule: Rule = { which, refusal, left: times };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  /** The error for this request, if one is due; that counts as one of its times. */
  refusalOf(request: RequestInfo): RefusalDetails | undefined {
    const rule = this.#rules.find(({ which, left }) => left > 0 && which(request));
    if (!rule) return undefined;
    rule.left -= 1;
    return rule.refusal;
  }

  clear(): void {
    this.#rules = [];
  }
}
