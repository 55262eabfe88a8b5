// Lists objects by selectors, page by page; all pages of a list show the same version.
import type { KubeObject } from './object.ts';
import type { ListMeta } from './representation.ts';
import type { Resource } from './resource.ts';
import { fieldSelector, labelSelector } from './selectors.ts';
import { ApiError, badRequest, expired, expiredContinue, fieldError, invalid, versionTooLarge } from './status.ts';
import type { Store } from './store.ts';
import type { Target } from './writes.ts';

export type Includes = (object: KubeObject) => boolean;

/** A predicate for the stored objects that match a request's namespace and selectors. */
export function selection({ resource, namespace }: Target, query: URLSearchParams): Includes {
  const labels = labelSelector(query.get('labelSelector') ?? '');
  const requested = query.get('fieldSelector') ?? '';
  const fields = fieldSelector(requested, ['metadata.name', 'metadata.namespace', ...resource.selectableFields]);
  return (object) => {
    const { metadata } = object;
    if (namespace !== undefined && metadata.namespace !== namespace) return false;
    if (!labels(metadata.labels ?? {})) return false;
    return requested === '' || fields(fieldsOf(resource, object));
  };
}

function fieldsOf(resource: Resource, object: KubeObject): Record<string, string> {
  const { name, namespace = '' } = object.metadata;
  return { 'metadata.name': name, 'metadata.namespace': namespace, ...resource.selectable(object) };
}

/** A query's resourceVersion; undefined if absent. */
export function versionIn(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const sentence = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw new ApiError(500, '', `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${sentence}`);
}

/** An integer in a query; undefined if absent. */
export function integerIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

interface Continue {
  /** -1: the current version, after a token that was too old. */
  readonly rv: number;
  /** The last object of the previous page. */
  readonly after: readonly [namespace: string, name: string];
}

function encodeContinue(token: Continue): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url');
}

function decodeContinue(text: string): Continue {
  try {
    const { v, rv, after } = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (v === 'meta.k8s.io/v1' && Number.isInteger(rv) && Array.isArray(after)) {
      return { rv, after: [String(after[0]), String(after[1])] };
    }
  } catch {
    // Reported below, like every other foreign token.
  }
  throw badRequest('invalid continue token: continue key is not valid');
}

/** `<` as etcd orders keys. */
function isAfter(object: KubeObject, [namespace, name]: Continue['after']): boolean {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}` > `${namespace}/${name}`;
}

export interface Page {
  readonly objects: readonly KubeObject[];
  readonly metadata: ListMeta;
}

export function list(store: Store, target: Target, query: URLSearchParams): Page {
  const includes = selection(target, query);
  const limit = integerIn(query, 'limit') ?? 0;
  const token = query.get('continue') ?? '';
  const from = token === '' ? undefined : decodeContinue(token);
  const { objects, version } = snapshot(store, target, query, from);
  const meant = objects.filter((object) => includes(object) && (!from || isAfter(object, from.after)));
  const page = limit > 0 ? meant.slice(0, limit) : meant;
  const last = page.at(-1);
  const resourceVersion = String(version);
  if (page.length === meant.length || !last) return { objects: page, metadata: { resourceVersion } };
  const after = [last.metadata.namespace ?? '', last.metadata.name] as const;
  const hasSelectors = Boolean(query.get('labelSelector') || query.get('fieldSelector'));
  return {
    objects: page,
    metadata: {
      resourceVersion,
      continue: encodeContinue({ rv: version, after }),
      // As in the real server, counted only if nothing was filtered.
      ...(!hasSelectors && { remainingItemCount: meant.length - page.length }),
    },
  };
}

/** The objects at the version that a list asks for. */
function snapshot(
  store: Store,
  { resource: { collection } }: Target,
  query: URLSearchParams,
  from: Continue | undefined,
): { objects: readonly KubeObject[]; version: number } {
  const now = { objects: collection.list(), version: store.version };
  if (from) {
    if (query.get('resourceVersion'))
      throw badRequest('specifying resource version is not allowed when using continue');
    if (from.rv < 0) return now;
    const objects = collection.listAt(from.rv);
    if (!objects) throw expiredContinue(encodeContinue({ rv: -1, after: from.after }));
    return { objects, version: from.rv };
  }
  const requested = versionIn(query);
  const match = query.get('resourceVersionMatch') ?? '';
  checkMatch(match, requested);
  if (requested === undefined || requested === 0) return now;
  if (requested > store.version) throw versionTooLarge(requested, store.version);
  if (match !== 'Exact') return now;
  const objects = collection.listAt(requested);
  if (!objects) throw expired(requested, collection.oldest);
  return { objects, version: requested };
}

function checkMatch(match: string, requested: number | undefined): void {
  const refuse = (detail: string) => {
    const errors = [fieldError.forbidden('resourceVersionMatch', detail)];
    return invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  };
  if (match === '') return;
  if (requested === undefined) throw refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    const errors = [fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan'])];
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  }
  if (match === 'Exact' && requested === 0) {
    throw refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}
