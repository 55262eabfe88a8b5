// One watch request, with fixes for cases in which client-node's ListWatch would stop without an error. ListWatch starts the next one,
// or the reflector after an error.
import { ApiException, type KubeConfig, type RequestContext, Watch } from '@kubernetes/client-node';
import type { KubeClient } from '../client/client.ts';
import { eventsOfMetadata, type ResourceKind } from '../client/collection.ts';
import { asUnreachable } from '../client/errors.ts';
import { keepAnnotations, type Transform } from '../client/transform.ts';

export interface WatchListener {
  /** A watch is about to be sent; all objects of the LIST before it were passed on. */
  onConnecting(): void;
  /** The server has accepted the watch. */
  onOpened(): void;
  /** An event or a bookmark was received. */
  onProgress(): void;
}

/**
 * After which the server ends the watch. client-node 2.0.1 aborts a watch without events after 30 s, and its connection with it. With
 * a shorter timeout the server ends it, shortly after a bookmark with the version to resume from, and the connection stays open.
 */
const watchTimeoutSeconds = 25;

/**
 * Fixes (client-node 2.0.1):
 * - If `watch` rejects (a credential cannot be read), the rejection would be unhandled: the error goes to `done`.
 * - `ERROR` events other than 410 would be ignored, and a 410 would wait for the end of the connection: both end the watch at once.
 * - A server that accepts the connection and never answers would count as a watch without events: it is an error.
 * - `stop()` during a LIST or while a watch opens would not prevent the watch: after `stop()` no watch opens.
 * - Errors would be plain ones: they become ApiException or ApiServerUnreachable, as for all other requests.
 *
 * Not fixed: client-node drops the body and headers of a refused watch, `Retry-After` included.
 */
export class ReliableWatch extends Watch {
  readonly #server: string;
  readonly #listener: WatchListener;
  readonly #transform: Transform;
  #stopped = false;
  #mustRelist = false;

  /** @param kind How much of each object the server sends and what is kept of it. */
  constructor(
    cluster: KubeClient,
    listener: WatchListener,
    { metadataOnly, transform = keepAnnotations() }: Pick<ResourceKind, 'metadataOnly' | 'transform'> = {},
  ) {
    super(metadataOnly ? accepting(cluster.config, eventsOfMetadata) : cluster.config);
    this.#server = cluster.server;
    this.#listener = listener;
    this.#transform = transform;
  }

  /** Forces a LIST: the next watch ends at once with 410, after which ListWatch lists again. There is no other way. */
  forceRelist(): void {
    this.#mustRelist = true;
  }

  /** A LIST was received: {@link forceRelist} is done. */
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
    const noRequest = new AbortController();
    if (this.#stopped) return noRequest;
    this.#listener.onConnecting();

    const session: { phase: 'Opening' | 'Open' | 'Ended' } = { phase: 'Opening' };
    const end = (error: unknown) => {
      if (session.phase === 'Ended') return;
      // ListWatch treats a TimeoutError as the end of a watch without events, and continues.
      const isIdle = session.phase === 'Open' && isTimeout(error);
      session.phase = 'Ended';
      done(isIdle ? error : this.#toApiError(error));
    };
    if (this.#mustRelist) {
      end(new ApiException(410, 'a relist was requested', undefined, {}));
      return noRequest;
    }

    try {
      const controller = await super.watch(
        path,
        { ...query, allowWatchBookmarks: true, timeoutSeconds: watchTimeoutSeconds },
        (type, object, event) => {
          if (session.phase === 'Ended') return;
          if (type === 'ERROR') return end(new ApiException(object.code ?? 500, 'watch', object, {}));
          this.#listener.onProgress();
          callback(type, this.#transform(object), event);
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
      return noRequest;
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

/** client-node's Watch takes no headers: the same kubeconfig, whose requests have this Accept header too. */
function accepting(config: KubeConfig, accept: string): KubeConfig {
  const applySecurityAuthentication = async (context: RequestContext) => {
    context.setHeaderParam('Accept', accept);
    await config.applySecurityAuthentication(context);
  };
  return Object.create(config, { applySecurityAuthentication: { value: applySecurityAuthentication } });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
