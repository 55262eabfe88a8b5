// Keeps a store equal to what the API server has, for one kind of object: client-node's ListWatch, one for each
// namespace, under a supervisor that restarts it after any error and never stops silently. It decides nothing about the
// objects: its callback only enqueues.
import { type KubernetesObject, ListWatch } from '@kubernetes/client-node';
import { type Backoff, delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { KubeClient } from '../client/client.ts';
import { ApiServerUnreachable, explain, isNotFound, isUnavailable, retryAfterMs } from '../client/errors.ts';
import { namespacedName, type Resource } from '../client/resource.ts';
import type { Store } from './store.ts';
import { ReliableWatch } from './watch.ts';

/** `source` tells what came as it happened from what a LIST brought, at the start or after a gap. */
export type Change<T> = { readonly object: T; readonly source: 'list' | 'watch' } & (
  | { readonly type: 'added' | 'deleted' }
  | { readonly type: 'updated'; readonly previous: T }
);

/**
 * Stopped → Listing → Connecting → Watching → Connecting … ; any error → BackingOff → Connecting, where a version to go on
 * from is known and still good, else Listing. A 410 → Listing.
 */
export type WatchState =
  | { readonly phase: 'Stopped' }
  | { readonly phase: 'Listing' }
  | { readonly phase: 'Connecting' }
  | { readonly phase: 'Watching'; readonly since: Date }
  | { readonly phase: 'BackingOff'; readonly failures: number; readonly error: unknown; readonly until: Date };

export interface InformerHealth {
  /** Every namespace has been listed once. */
  readonly synced: boolean;
  /** When the API server last answered or sent something, of the namespace that has waited longest; a living watch is at most 30 s old. */
  readonly lastContact: Date | undefined;
  /** LISTs beyond the first one of each namespace. */
  readonly relists: number;
  readonly watches: readonly { readonly namespace: string | undefined; readonly state: WatchState }[];
}

export interface Informer {
  /** Resolves once every namespace has been listed and passed on; stays pending when stopped before. */
  readonly synced: Promise<void>;
  health(): InformerHealth;
  /** Ends the watches. Nothing is passed on afterwards. */
  stop(): void;
}

export interface InformerOptions<T extends KubernetesObject> {
  readonly cluster: KubeClient;
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  /** Called after the store has the change. What it throws is logged. */
  readonly onChange: (change: Change<T>) => void;
  /** None: all namespaces, in one watch. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  /** What a 404 on the list means and what to do about it, as part of a sentence: "the CRD … is not installed; …". */
  readonly onMissing?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * An API server that is unreachable or in trouble is tried again soon: a request every 5 s costs it nothing, and until the
 * watch is back the operator sees no edit. A refusal that only a person can end (401, 403, 404) is given more time.
 */
const backoff = {
  refused: { firstMs: 500, maxMs: 30_000, jitter: 0.5 },
  unavailable: { firstMs: 500, maxMs: 5_000, jitter: 0.5 },
} as const satisfies Record<string, Backoff>;
/** ms that a watch must have lived to count as progress when nothing happened in it. */
const minHealthyWatchMs = 10_000;

export function startInformer<T extends KubernetesObject>(options: InformerOptions<T>): Informer {
  const namespaces = options.namespaces?.length ? [...new Set(options.namespaces)] : [undefined];
  const watches = namespaces.map((namespace) => new Reflector(options, namespace));
  for (const watch of watches) watch.start();
  return {
    synced: Promise.all(watches.map((watch) => watch.synced)).then(() => undefined),
    health: () => {
      const contacts = watches.map((watch) => watch.lastContact?.getTime() ?? Number.NEGATIVE_INFINITY);
      const oldest = Math.min(...contacts);
      return {
        synced: watches.every((watch) => watch.isSynced),
        lastContact: Number.isFinite(oldest) ? new Date(oldest) : undefined,
        relists: watches.reduce((sum, watch) => sum + watch.relists, 0),
        watches: watches.map(({ namespace, state }) => ({ namespace, state })),
      };
    },
    stop: () => {
      for (const watch of watches) watch.stop();
    },
  };
}

class Reflector<T extends KubernetesObject> {
  readonly namespace: string | undefined;
  readonly synced: Promise<void>;
  isSynced = false;
  relists = 0;
  lastContact: Date | undefined;
  state: WatchState = { phase: 'Stopped' };

  readonly #options: InformerOptions<T>;
  readonly #listWatch: ListWatch<T>;
  readonly #watch: ReliableWatch;
  readonly #resolveSynced: () => void;
  #stopped = false;
  #failures = 0;
  /** The next pause may be left out, once: the last watch lived long, or the pause after a failure is over. */
  #skipNextPause = false;
  #cancelWait: () => void = () => undefined;

  constructor(options: InformerOptions<T>, namespace: string | undefined) {
    const { cluster, resource, labelSelector } = options;
    this.namespace = namespace;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#resolveSynced = resolve;

    const listener = {
      onConnecting: () => this.#onConnecting(),
      onOpened: () => this.#onOpened(),
      onProgress: () => {
        this.#recordContact();
        this.#failures = 0;
      },
    };
    this.#watch = new ReliableWatch(cluster, listener, resource.kind.annotations);
    this.#listWatch = new ListWatch<T>(
      resource.path(namespace),
      this.#watch,
      () => this.#list(),
      false,
      labelSelector,
      undefined,
      { delayFn: (ms) => this.#waitBeforeWatch(ms) },
    );
    this.#listWatch.on('add', (object) => this.#onObserved(object));
    this.#listWatch.on('update', (object) => this.#onObserved(object));
    this.#listWatch.on('delete', (object) => this.#onDeleted(object));
    this.#listWatch.on('error', (error: unknown) => this.#onError(error));
  }

  start(): void {
    this.state = { phase: 'Connecting' };
    // Goes on from the last version, or lists. It rejects where a callback of ours throws, which none does.
    this.#listWatch.start().catch((error: unknown) => this.#onError(error));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWait();
    this.#watch.stop();
    void this.#listWatch.stop(); // it only flips a flag and aborts
    this.state = { phase: 'Stopped' };
  }

  async #list() {
    const { resource, store, labelSelector, log } = this.#options;
    this.#onWatchEnded();
    this.state = { phase: 'Listing' };
    const list = await resource.list({
      ...(this.namespace && { namespace: this.namespace }),
      ...(labelSelector && { labelSelector }),
    });
    this.#recordContact();
    this.#watch.onListed();
    if (this.isSynced) {
      this.relists++;
      store.onRelist(this.namespace);
      log.info({ relists: this.relists }, `${this.#subject} had to begin with a new list: its last version is too old`);
    }
    return list;
  }

  #onConnecting(): void {
    this.#onWatchEnded();
    if (this.state.phase === 'Listing' && !this.isSynced) {
      this.isSynced = true;
      this.#resolveSynced();
    }
    this.state = { phase: 'Connecting' };
  }

  #onOpened(): void {
    this.#recordContact();
    this.state = { phase: 'Watching', since: this.#options.clock.now() };
    if (this.#failures) this.#options.log.info({ failures: this.#failures }, `${this.#subject} works again`);
    else this.#options.log.debug({}, `${this.#subject} has begun`);
  }

  #recordContact(): void {
    this.lastContact = this.#options.clock.now();
  }

  #onObserved(object: T): void {
    if (this.#stopped) return;
    const previous = this.#options.store.onObserved(object);
    const source = this.#source;
    this.#notify(previous ? { type: 'updated', object, previous, source } : { type: 'added', object, source });
  }

  #onDeleted(object: T): void {
    if (this.#stopped) return;
    this.#options.store.onDeleted(namespacedName(object));
    this.#notify({ type: 'deleted', object, source: this.#source });
  }

  #notify(change: Change<T>): void {
    try {
      this.#options.onChange(change);
    } catch (error) {
      // client-node would swallow it, or end the watch for good.
      this.#options.log.error(
        { error, key: namespacedName(change.object) },
        `A change was not handled: ${explain(error)}`,
      );
    }
  }

  #onError(error: unknown): void {
    if (this.#stopped || this.state.phase === 'BackingOff') return;
    const { clock, random, log, onMissing } = this.#options;
    const wasOpen = this.state.phase === 'Watching';
    this.#onWatchEnded();
    const isUnreachable = error instanceof ApiServerUnreachable;
    // A wire that was cut while all was well says nothing about how the next attempt will go.
    const failures = wasOpen && isUnreachable ? 1 : this.#failures + 1;
    this.#failures = failures;
    const delays = isUnavailable(error) ? backoff.unavailable : backoff.refused;
    const wait = Math.max(delayAfter(failures, delays, random), retryAfterMs(error) ?? 0);

    // Where the server refuses to go on from the last version (the CRD is gone; the store was restored from a backup),
    // only a fresh list helps; and where it breaks off a watch with an error, going on from there would meet it again (seen:
    // 500 "etcd event received with PrevKv=nil" from kube-apiserver 1.20 without a watch cache, after a compaction).
    if (!isUnreachable && (wasOpen || isNotFound(error) || failures >= 3)) this.#watch.forceRelist();

    this.state = { phase: 'BackingOff', failures, error, until: new Date(clock.now().getTime() + wait) };
    const why = isNotFound(error) && onMissing ? onMissing : explain(error);
    log.warn({ failures, retryInMs: wait }, `${this.#subject} failed: ${why}; trying again in ${seconds(wait)}`);
    this.#cancelWait = clock.after(wait, () => {
      // ListWatch would add a pause of its own, of up to 30 s after several failures.
      this.#skipNextPause = true;
      this.start();
    });
  }

  /**
   * ListWatch waits 1, 2, 4 … 30 s before it watches again after an end without events; here 5 s at most. That keeps a server
   * that ends each watch at once from being hammered, and would make events late after a watch that ended in its good time.
   */
  #waitBeforeWatch(ms: number): Promise<void> {
    this.#onWatchEnded();
    if (this.#skipNextPause) {
      this.#skipNextPause = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(Math.min(ms, backoff.unavailable.maxMs), resolve);
      this.#cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }

  /** A watch that lived long counts as progress, also when nothing happened in it. */
  #onWatchEnded(): void {
    if (this.state.phase !== 'Watching') return;
    const lived = this.#options.clock.now().getTime() - this.state.since.getTime();
    this.state = { phase: 'Connecting' };
    if (lived < minHealthyWatchMs) return;
    this.#failures = 0;
    this.#skipNextPause = true;
  }

  get #source(): Change<T>['source'] {
    return this.state.phase === 'Listing' ? 'list' : 'watch';
  }

  get #subject(): string {
    const { plural, group } = this.#options.resource.kind;
    return `Watching ${plural}.${group} in ${this.namespace ? `namespace ${this.namespace}` : 'all namespaces'}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
