// Wraps client-node's Watch with fixes for cases where its ListWatch would fall silent. It sends one watch request and
// passes on its events; ListWatch, or informer.ts after an error, starts the next one.
import { ApiException, Watch } from '@kubernetes/client-node';
import type { KubeClient } from '../client/client.ts';
import { asUnreachable } from '../client/errors.ts';
import { slim } from '../client/resource.ts';

export interface WatchListener {
  /** A watch is about to be sent; the objects listed before it were passed on. */
  onConnecting(): void;
  /** The server has accepted the watch. */
  onOpened(): void;
  /** An event or a bookmark has come. */
  onProgress(): void;
}

/**
 * Server-side end of a quiet watch, in seconds. client-node 2.0.1 aborts a watch without events for 30 s, with
 * its connection. With a shorter timeout the server ends it, shortly after a bookmark with the version to resume from,
 * and the connection stays open.
 */
const watchTimeoutSeconds = 25;

/**
 * Fixes (client-node 2.0.1):
 * - A rejection of `watch` (a credential that cannot be read) would be an unhandled rejection: it is passed to `done`.
 * - `ERROR` events other than 410 are ignored, and a 410 waits for the connection to end: both end the watch at once.
 * - A server that accepts the connection and never answers counts as a quiet watch: it is an error.
 * - `stop()` while a LIST or the opening of a watch is under way goes on to watch: after `stop()` here nothing opens.
 * - Errors are plain: they become the ApiException or ApiServerUnreachable that all other requests reject with.
 *
 * Not fixable from outside: client-node drops body and headers of a refused watch, and so `Retry-After`.
 */
export class ReliableWatch extends Watch {
  readonly #server: string;
  readonly #listener: WatchListener;
  readonly #annotations: readonly string[];
  #stopped = false;
  #mustRelist = false;

  /** @param annotations The ones to keep of each object; see {@link slim}. */
  constructor(cluster: KubeClient, listener: WatchListener, annotations: readonly string[] = []) {
    super(cluster.config);
    this.#server = cluster.server;
    this.#listener = listener;
    this.#annotations = annotations;
  }

  /** Makes the next watch end at once with 410, after which ListWatch lists again: the only way to force a LIST. */
  forceRelist(): void {
    this.#mustRelist = true;
  }

  /** A LIST was received; this fulfils {@link forceRelist}. */
  onListed(): void {
    this.#mustRelist = false;
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
    this.#listener.onConnecting();

    const session: { phase: 'Opening' | 'Open' | 'Ended' } = { phase: 'Opening' };
    const end = (error: unknown) => {
      if (session.phase === 'Ended') return;
      // ListWatch treats a TimeoutError as the end of a quiet watch, and continues at once.
      const quiet = session.phase === 'Open' && isTimeout(error);
      session.phase = 'Ended';
      done(quiet ? error : this.#toApiError(error));
    };
    if (this.#mustRelist) {
      end(new ApiException(410, 'a fresh list is wanted', undefined, {}));
      return nothing;
    }

    try {
      const controller = await super.watch(
        path,
        { ...query, allowWatchBookmarks: true, timeoutSeconds: watchTimeoutSeconds },
        (type, object, event) => {
          if (session.phase === 'Ended') return;
          if (type === 'ERROR') return end(new ApiException(object.code ?? 500, 'watch', object, {}));
          this.#listener.onProgress();
          callback(type, slim(object, this.#annotations), event);
        },
        end,
      );
      if (this.#stopped) {
        session.phase = 'Ended';
        controller.abort();
      } else if (session.phase === 'Opening') {
        session.phase = 'Open';
        this.#listener.onOpened();
      }
      return controller;
    } catch (error) {
      end(error);
      return nothing;
    }
  }

  #toApiError(error: unknown): unknown {
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
