// Decides whether a free worker may start a key: keeps workers for keys of priority `high`, and one for other namespaces. Without it,
// passes that wait long for an answer (of a namespace whose credential or subscription does not answer) would hold every worker.

interface Started {
  all: number;
  ordinary: number;
}

export class WorkerLimits {
  /** Of all keys, and of those that are not `high`. */
  #max: Started = { all: Number.POSITIVE_INFINITY, ordinary: Number.POSITIVE_INFINITY };
  readonly #started: Started = { all: 0, ordinary: 0 };
  readonly #byNamespace = new Map<string, Started>();

  /** One worker, or an unknown number, is for everything. */
  constructor(workers: number | undefined) {
    if (workers !== undefined && workers > 1) this.set(workers);
  }

  /** Changes the number of workers, to at least two. Keys in flight stay so. */
  set(workers: number): void {
    this.#max = { all: workers, ordinary: workers - Math.ceil(workers / 5) };
  }

  /** True if no key may start. */
  get isFull(): boolean {
    return this.#started.all >= this.#max.all;
  }

  /** True if so many `ordinary` keys are in flight that only `high` ones may start. */
  get isOrdinaryFull(): boolean {
    return this.#started.ordinary >= this.#max.ordinary;
  }

  /** True if the namespace leaves at least one worker of this kind to others. */
  mayStart(namespace: string, isOrdinary: boolean): boolean {
    const own = this.#byNamespace.get(namespace) ?? { all: 0, ordinary: 0 };
    return own.all < share(this.#max.all) && (!isOrdinary || own.ordinary < share(this.#max.ordinary));
  }

  start(namespace: string, isOrdinary: boolean): void {
    const own = this.#byNamespace.get(namespace) ?? { all: 0, ordinary: 0 };
    this.#byNamespace.set(namespace, own);
    for (const count of [own, this.#started]) {
      count.all++;
      if (isOrdinary) count.ordinary++;
    }
  }

  done(namespace: string, isOrdinary: boolean): void {
    const own = this.#byNamespace.get(namespace);
    if (!own) return;
    for (const count of [own, this.#started]) {
      count.all--;
      if (isOrdinary) count.ordinary--;
    }
    if (own.all === 0) this.#byNamespace.delete(namespace);
  }
}

/** All but one, and at least one. */
function share(workers: number): number {
  return Math.max(1, workers - 1);
}
