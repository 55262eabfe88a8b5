// A long-running operation as clients poll it: running, then one final outcome.
import type { Failure } from './replica-lifecycle.ts';

export type Outcome =
  | { readonly status: 'Succeeded' }
  | { readonly status: 'Failed'; readonly failure: Failure }
  | { readonly status: 'Canceled' };

export class Operation {
  /** `replications-<guid>` or `registries-<guid>`, where the guid is the caller's x-ms-client-request-id (recorded). */
  readonly id: string;
  /** ARM's status while it runs. `Creating` was recorded; `Updating` and `Deleting` are assumed. */
  readonly doing: 'Creating' | 'Updating' | 'Deleting';
  /** The resource that it changes. */
  readonly resourceId: string;
  /** The region under which a deletion is polled. */
  readonly location: string;
  /** Brings its resource up to date, which may end the operation. */
  readonly #settle: () => void;
  #outcome: Outcome | undefined;

  constructor(subject: Pick<Operation, 'id' | 'doing' | 'resourceId' | 'location'>, settle: () => void) {
    this.id = subject.id;
    this.doing = subject.doing;
    this.resourceId = subject.resourceId;
    this.location = subject.location;
    this.#settle = settle;
  }

  /** Undefined while it runs. */
  get outcome(): Outcome | undefined {
    this.#settle();
    return this.#outcome;
  }

  end(outcome: Outcome): void {
    this.#outcome ??= outcome;
  }
}
