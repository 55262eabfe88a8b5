// Decides whether a free worker may start a key: keeps workers for keys of priority `high`, and one for other namespaces. Without it,
// passes that wait long for an answer (of a namespace whose credential or subscription does not answer) would hold every worker.

interface Started {
  all: number;
  ordinary: number;
}

const none: Readonly<Started> = { all: 0, ordinary: 0 };

/** When the number of workers falls, the passes above it count only as far as they could have started: they do not hold what is kept. */
export class WorkerLimits {
  /** Of all keys, and of those that are not `high`. */
  #max: Started = { all: Number.POSITIVE_INFINITY, ordinary: Number.POSITIVE_INFINITY };
  readonly #started: Started = { ...none };
  readonly #byNamespace = new Map<string, Started>();

  /** One worker, or an unknown number, is for everything. */
  constructor(workers: number | undefined) {
    if (workers !== undefined && workers > 1) this.set(workers);
  }

  /** Changes the number of workers, which must be at least two. Keys in flight stay so. */
  set(workers: number): void {
    this.#max = { all: workers, ordinary: workers - Math.ceil(workers / 5) };
  }

  /** True if no key may start. */
  get isFull(): boolean {
    return this.#started.all >= this.#max.all && this.#counted().all >= this.#max.all;
  }

  /** True if so many `ordinary` keys are in flight that only `high` ones may start. */
  get isOrdinaryFull(): boolean {
    return this.#started.ordinary >= this.#max.ordinary && this.#counted().ordinary >= this.#max.ordinary;
  }

  /** True if the namespace leaves at least one worker of this kind to others. */
  mayStart(namespace: string, isOrdinary: boolean): boolean {
    const own = this.#countedOf(this.#byNamespace.get(namespace) ?? none);
    return own.all < share(this.#max.all) && (!isOrdinary || own.ordinary < share(this.#max.ordinary));
  }

  start(namespace: string, isOrdinary: boolean): void {
    const own = this.#byNamespace.get(namespace) ?? { ...none };
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

  #counted(): Started {
    const sum = { ...none };
    for (const own of this.#byNamespace.values()) {
      const { all, ordinary } = this.#countedOf(own);
      sum.all += all;
      sum.ordinary += ordinary;
    }
    return { ...sum, all: sum.all - Math.max(0, sum.ordinary - this.#max.ordinary) };
  }

  #countedOf({ all, ordinary }: Readonly<Started>): Started {
    const counted = Math.min(ordinary, share(this.#max.ordinary));
    return { ordinary: counted, all: Math.min(all - ordinary + counted, share(this.#max.all)) };
  }
}

/** All but one, and at least one. */
function share(workers: number): number {
  return Math.max(1, workers - 1);
}
