// Lists and watches the objects of one kind in one namespace, writes them into the store and reports each change. Wraps client-node's
// ListWatch, which ends after some errors: a reflector restarts it after any error, with backoff.
import { type KubernetesObject, ListWatch } from '@kubernetes/client-node';
import { type Backoff, delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { KubeClient } from '../client/client.ts';
import { type Collection, groupResource } from '../client/collection.ts';
import { ApiServerUnreachable, explain, isNotFound, isUnavailable, retryAfterMs } from '../client/errors.ts';
import { namespacedName } from '../client/resource.ts';
import type { Store } from './store.ts';
import { ReliableWatch } from './watch.ts';

/** `source` is `list` for objects of a LIST, at the start or after a gap, and `watch` for watch events. */
export type Change<T> = { readonly object: T; readonly source: 'list' | 'watch' } & (
  | { readonly type: 'added' | 'deleted' }
  | { readonly type: 'updated'; readonly previous: T }
);

/**
 * Stopped → Listing → Connecting → Watching → Connecting …
 * Any error → BackingOff → Connecting, if the watch can resume from a known version; otherwise → Listing. A 410 → Listing.
 */
export type WatchState =
  | { readonly phase: 'Stopped' }
  | { readonly phase: 'Listing' }
  | { readonly phase: 'Connecting' }
  | { readonly phase: 'Watching'; readonly since: Date }
  | { readonly phase: 'BackingOff'; readonly failures: number; readonly error: unknown; readonly until: Date };

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly cluster: KubeClient;
  readonly resource: Collection<T>;
  readonly store: Pick<Store<T>, 'onObserved' | 'onDeleted' | 'onRelist'>;
  /** Called after the store has the change. An error that it throws is logged. */
  readonly onChange: (change: Change<T>) => void;
  /** Called after each error, when the next attempt is scheduled already. */
  readonly onError?: (error: unknown) => void;
  readonly labelSelector?: string;
  /** The meaning of a 404 on the LIST and its remedy, as part of a sentence: "the CRD … is not installed; …". */
  readonly onMissing?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * An unavailable API server is tried again every 5 s at least: that costs it little, and the operator sees no edit until the watch is
 * back. A refusal that an administrator must resolve (401, 403, 404) waits longer.
 */
const backoff = {
  refused: { firstMs: 500, maxMs: 30_000, jitter: 0.5 },
  unavailable: { firstMs: 500, maxMs: 5_000, jitter: 0.5 },
} as const satisfies Record<string, Backoff>;
/** A watch that lived so long counts as a success, even without an event. */
const minHealthyWatchMs = 10_000;

export class Reflector<T extends KubernetesObject> {
  readonly namespace: string | undefined;
  readonly synced: Promise<void>;
  isSynced = false;
  relists = 0;
  lastContact: Date | undefined;
  state: WatchState = { phase: 'Stopped' };

  readonly #options: ReflectorOptions<T>;
  readonly #listWatch: ListWatch<T>;
  readonly #watch: ReliableWatch;
  readonly #resolveSynced: () => void;
  #stopped = false;
  #failures = 0;
  /** Set when the last watch lived long, or when the backoff after a failure is over. */
  #skipNextPause = false;
  #cancelWait: () => void = () => undefined;

  constructor(options: ReflectorOptions<T>, namespace: string | undefined) {
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
    this.#watch = new ReliableWatch(cluster, listener, resource.kind);
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
    // Resumes from the last version, or lists. It rejects only if one of our callbacks throws.
    this.#listWatch.start().catch((error: unknown) => this.#onError(error));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWait();
    this.#watch.stop();
    void this.#listWatch.stop(); // sets a flag and aborts the request
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
      // client-node would ignore the error, or end the watch for good.
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
    // A connection that broke while the watch worked does not predict that the next attempt fails.
    const failures = wasOpen && isUnreachable ? 1 : this.#failures + 1;
    this.#failures = failures;
    const delays = isUnavailable(error) ? backoff.unavailable : backoff.refused;
    const retryInMs = Math.max(delayAfter(failures, delays, random), retryAfterMs(error) ?? 0);

    // Relist if the server refuses to resume from the last version (the CRD was deleted, or etcd was restored from a backup), or
    // ended the watch with an error: resuming would meet the same error again (seen: 500 "etcd event received with
    // PrevKv=nil" from kube-apiserver 1.20 without a watch cache, after a compaction).
    if (!isUnreachable && (wasOpen || isNotFound(error) || failures >= 3)) this.#watch.forceRelist();

    this.state = { phase: 'BackingOff', failures, error, until: new Date(clock.now().getTime() + retryInMs) };
    const why = isNotFound(error) && onMissing ? onMissing : explain(error);
    log.warn({ failures, retryInMs }, `${this.#subject} failed: ${why}; trying again in ${seconds(retryInMs)}`);
    this.#cancelWait = clock.after(retryInMs, () => {
      // ListWatch would add its own pause of up to 30 s after several failures.
      this.#skipNextPause = true;
      this.start();
    });
    this.#options.onError?.(error);
  }

  /**
   * ListWatch waits 1, 2, 4 … 30 s before it watches again after a watch without events; here it waits 5 s at most. The pause protects
   * a server that ends each watch at once. After a watch that lived long it would only delay events, so it is skipped.
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

  #onWatchEnded(): void {
    if (this.state.phase !== 'Watching') return;
    const livedMs = this.#options.clock.now().getTime() - this.state.since.getTime();
    this.state = { phase: 'Connecting' };
    if (livedMs < minHealthyWatchMs) return;
    this.#failures = 0;
    this.#skipNextPause = true;
  }

  get #source(): Change<T>['source'] {
    return this.state.phase === 'Listing' ? 'list' : 'watch';
  }

  get #subject(): string {
    const { kind } = this.#options.resource;
    const where = this.namespace ? ` in namespace ${this.namespace}` : ' in all namespaces';
    return `Watching ${groupResource(kind)}${kind.namespaced === false ? '' : where}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
