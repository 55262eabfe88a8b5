// client-node's Watch, mended where its ListWatch would otherwise fall silent. It sends one watch request and passes on
// its events; when to watch again is not its business.
import { ApiException, Watch } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { asUnreachable } from './errors.ts';
import { slim } from './resource.ts';

export interface WatchListener {
  /** A watch is about to be sent; what was listed before it has been passed on. */
  connecting(): void;
  /** The server has accepted the watch. */
  opened(): void;
  /** An event or a bookmark has come. */
  progressed(): void;
}

/**
 * Server-side end of a quiet watch, in seconds. client-node 2.0.1 takes a watch that brings nothing for 30 s for dead and
 * aborts it, with its connection; below that, the server ends it politely, says with a bookmark shortly before from which
 * version to go on, and the connection lives on.
 */
const politeEnd = 25;

/**
 * What is mended (client-node 2.0.1):
 * - A rejection of `watch` (a credential that cannot be read) would be an unhandled rejection: `done` is told of it.
 * - `ERROR` events other than 410 are ignored, and a 410 waits for the connection to end: both end the watch at once.
 * - A server that accepts the connection and never answers counts as a quiet watch: it is an error.
 * - `stop()` while a LIST or the opening of a watch is under way goes on to watch: after `stop()` here nothing opens.
 * - Errors are plain: they become the ApiException or ApiServerUnreachable that all other requests reject with.
 *
 * What cannot be mended from outside: the body and the headers of a refused watch are dropped, with them `Retry-After`.
 */
export class MendedWatch extends Watch {
  readonly #server: string;
  readonly #listener: WatchListener;
  readonly #annotations: readonly string[];
  #stopped = false;
  #relist = false;

  /** @param annotations The ones to keep of each object; see {@link slim}. */
  constructor(cluster: Cluster, listener: WatchListener, annotations: readonly string[] = []) {
    super(cluster.config);
    this.#server = cluster.server;
    this.#listener = listener;
    this.#annotations = annotations;
  }

  /** Makes the next watch end at once with 410, upon which ListWatch lists anew: the only way to make it do so. */
  relistNext(): void {
    this.#relist = true;
  }

  /** A list has come; what {@link relistNext} wanted is had. */
  listed(): void {
    this.#relist = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  override async watch(
    path: string,
    query: Record<string, string | number | boolean | undefined>,
    callback: Parameters<Watch['watch']>[2],
    done: (error: unknown) => void,
  ): Promise<AbortController> {
    const nothing = new AbortController();
    if (this.#stopped) return nothing;
    this.#listener.connecting();

    const session: { phase: 'Opening' | 'Open' | 'Ended' } = { phase: 'Opening' };
    const end = (error: unknown) => {
      if (session.phase === 'Ended') return;
      // ListWatch knows a TimeoutError as the end of a quiet watch, and goes on at once.
      const quiet = session.phase === 'Open' && isTimeout(error);
      session.phase = 'Ended';
      done(quiet ? error : this.#explained(error));
    };
    if (this.#relist) {
      end(new ApiException(410, 'a fresh list is wanted', undefined, {}));
      return nothing;
    }

    try {
      const controller = await super.watch(
        path,
        { ...query, allowWatchBookmarks: true, timeoutSeconds: politeEnd },
        (type, object, event) => {
          if (session.phase === 'Ended') return;
          if (type === 'ERROR') return end(new ApiException(object.code ?? 500, 'watch', object, {}));
          this.#listener.progressed();
          callback(type, slim(object, this.#annotations), event);
        },
        end,
      );
      if (this.#stopped) {
        session.phase = 'Ended';
        controller.abort();
      } else if (session.phase === 'Opening') {
        session.phase = 'Open';
        this.#listener.opened();
      }
      return controller;
    } catch (error) {
      end(error);
      return nothing;
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof ApiException || error === null || error === undefined) return error;
    if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
      return new ApiException(error.statusCode, error.message, undefined, {});
    }
    return asUnreachable(error, this.#server);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
