// Streams the changes of a collection as watch events, from the version and for the time that the client asks for.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../src/lib/clock.ts';
import type { KubeObject } from './object.ts';
import { type Includes, integerIn, selection, versionIn } from './reads.ts';
import type { Representation } from './representation.ts';
import { ApiError, expired, fieldError, invalid } from './status.ts';
import type { Change, Store } from './store.ts';
import type { Target } from './writes.ts';

/** ms between bookmarks: kube-apiserver sends about one a minute. */
const bookmarkIntervalMs = 60_000;
/** Default timeout of a watch in ms: kube-apiserver picks 30 to 60 minutes. */
const maxDurationMs = 30 * 60_000;

export interface WatchRequest {
  readonly store: Store;
  readonly clock: Clock;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly representation: Representation;
  /** How missing history is reported: as an ERROR event like kube-apiserver's, or as an HTTP status. */
  readonly goneAs: 'event' | 'status';
}

/** Answers on `response` until the watch ends; throws an ApiError before anything is sent if the request is invalid. */
export function watch(request: WatchRequest, response: ServerResponse): void {
  const { target, query } = request;
  const { collection } = target.resource;
  if (query.get('sendInitialEvents')) {
    // As a server without the feature WatchList; client-go then lists and watches.
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      fieldError.forbidden(
        'sendInitialEvents',
        'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
      ),
    ]);
  }
  const includes = selection(target, query);
  const from = versionIn(query) ?? 0;
  const seconds = integerIn(query, 'timeoutSeconds') ?? 0;
  const missed = from === 0 ? [] : collection.changesSince(from);
  if (!missed && request.goneAs === 'status') throw expired(from, collection.oldest);

  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
  if (!missed) {
    end(response, expired(from, collection.oldest));
    return;
  }
  stream(request, response, { includes, from, missed, seconds });
}

interface Start {
  readonly includes: Includes;
  /** 0: every object first. */
  readonly from: number;
  readonly missed: readonly Change[];
  /** 0: the default duration. */
  readonly seconds: number;
}

function stream({ store, clock, target, query, representation }: WatchRequest, response: ServerResponse, start: Start) {
  const { includes, from, missed, seconds } = start;
  const { collection } = target.resource;
  let isOpen = true;
  const cancels: (() => void)[] = [];
  const forget = () => {
    isOpen = false;
    for (const cancel of cancels.splice(0)) cancel();
  };
  // Unsubscribes at once and not on 'close': a change between the two would be written after the end.
  const finish = () => {
    forget();
    response.end();
  };
  const send = (type: string, object: () => string) => {
    if (!isOpen) return;
    try {
      response.write(`{"type":"${type}","object":${object()}}\n`);
    } catch (error) {
      // Like kube-apiserver, which ends a watch whose event has no representation of the accepted form.
      if (!(error instanceof ApiError)) throw error;
      finish();
    }
  };
  const sendChange = (change: Change) => {
    const event = filtered(includes, change);
    if (event) send(event.type, () => representation.event(event.object));
  };
  if (from === 0) {
    for (const object of collection.list()) if (includes(object)) send('ADDED', () => representation.event(object));
  }
  for (const change of missed) sendChange(change);
  if (!isOpen) return;

  const wantsBookmarks = ['true', '1'].includes(query.get('allowWatchBookmarks') ?? '');
  const bookmark = () => send('BOOKMARK', () => representation.bookmark(String(Math.max(store.version, from))));
  let cancelBookmark = () => {};
  const bookmarkRegularly = () => {
    cancelBookmark = clock.after(bookmarkIntervalMs, () => {
      bookmark();
      if (isOpen) bookmarkRegularly();
    });
  };
  if (wantsBookmarks) bookmarkRegularly();
  cancels.push(
    () => cancelBookmark(),
    collection.subscribe({
      // A client may ask for a future version, and gets the changes after it.
      changed: (change) => change.version > from && sendChange(change),
      closed: finish,
    }),
    clock.after(seconds > 0 ? seconds * 1000 : maxDurationMs, () => {
      if (wantsBookmarks) bookmark();
      if (isOpen) finish();
    }),
  );
  response.on('close', forget);
}

function end(response: ServerResponse, error: ApiError): void {
  response.end(`{"type":"ERROR","object":${JSON.stringify(error.status)}}\n`);
}

/** A change as a selector shows it: an object that begins to match is ADDED, one that no longer matches is DELETED. */
function filtered(includes: Includes, change: Change): { type: Change['type']; object: KubeObject } | undefined {
  const { type, object, previous } = change;
  const was = previous !== undefined && includes(previous);
  if (type === 'DELETED') return was ? { type, object } : undefined;
  const is = includes(object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return undefined;
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}
