// Keeps whole only the objects that an Admission admits. It stands between the informer on one side and the store and the queue on
// the other: of a refused object the informer keeps the name alone, and neither the store nor the handlers ever see it.
import type { KubernetesObject } from '@kubernetes/client-node';
import { isNotFound } from '../client/errors.ts';
import { nameOf, namespacedName, type Resource } from '../client/resource.ts';
import { keepAnnotations } from '../client/transform.ts';
import type { Admission, Candidate } from './admission.ts';
import type { InformerOptions } from './informer.ts';
import type { Change } from './reflector.ts';
import type { Store } from './store.ts';

interface ObjectWithSpec extends KubernetesObject {
  spec?: unknown;
  status?: unknown;
}

export interface ObjectLimitOptions<T extends ObjectWithSpec> {
  readonly admission: Admission;
  /** For LIST and WATCH. */
  readonly resource: Resource<T>;
  /** Over connections that the watch does not use. */
  readonly get: Resource<T>['get'];
  readonly store: Store<T>;
  /** For how many usual objects one counts: at least 1. */
  readonly weightOf: (object: T) => number;
  /** What the status says of earlier admissions. */
  readonly historyOf: (object: T) => Pick<Candidate, 'isIncumbent' | 'isReported'>;
  /** Called for each change of an admitted object, after the store has it. */
  readonly onChange: (change: Change<T>) => void;
  /** An object that is not in the store needs a pass, which begins with `load`. */
  readonly onDue: (key: string) => void;
}

export interface ObjectLimit<T extends ObjectWithSpec> {
  /** For the informer. */
  readonly watching: Pick<InformerOptions<T>, 'resource' | 'store' | 'onChange'>;
  /** The keys of objects that need a pass and are not in the store. */
  due(): string[];
  /** The cached object; without spec and status if it is refused, or admitted and not read yet. */
  read(key: string): T | undefined;
  /**
   * Reads an object that the cache does not have whole. Undefined if it is gone, or has been admitted now: the handlers and the queue
   * have it then. Otherwise it is refused; it is not kept.
   */
  load(object: T): Promise<T | undefined>;
}

export function isWhole({ spec }: ObjectWithSpec): boolean {
  return spec !== undefined;
}

export function limitObjects<T extends ObjectWithSpec>(options: ObjectLimitOptions<T>): ObjectLimit<T> {
  const { admission, get, store, onChange, onDue } = options;
  const isDue = (key: string) => (admission.isAdmitted(key) ? !store.read(key) : admission.isUnreported(key));
  /** The last version of the object that was deleted last. */
  let deleted: T | undefined;

  const onAdmittedChange = (change: Change<T>) => {
    const key = namespacedName(change.object);
    if (change.type === 'deleted') {
      // After a LIST the informer has only the name of one that was refused at first.
      if (deleted) onChange(isWhole(change.object) ? change : { ...change, object: deleted });
      deleted = undefined;
    } else if (admission.isAdmitted(key) && isWhole(change.object)) onChange(change);
    else if (isDue(key)) onDue(key);
  };

  return {
    watching: {
      resource: limitedResource(options),
      onChange: onAdmittedChange,
      store: {
        onObserved(object) {
          const key = namespacedName(object);
          if (isWhole(object) && admission.isAdmitted(key)) return store.onObserved(object);
          const previous = store.read(key);
          if (previous && !admission.isAdmitted(key)) {
            // It has grown beyond the room, or was deleted and created again.
            store.onDeleted(key);
            onChange({ type: 'deleted', object: previous, source: 'watch' });
          }
          return undefined;
        },
        onDeleted(key) {
          deleted = store.read(key);
          store.onDeleted(key);
          admission.remove(key);
        },
        onRelist: (namespace) => store.onRelist(namespace),
      },
    },
    due: () => admission.keys().filter(isDue),
    read(key) {
      const [namespace = '', name = ''] = key.split('/');
      return store.read(key) ?? (admission.has(key) ? ({ metadata: { namespace, name } } as T) : undefined);
    },
    async load(object) {
      const key = namespacedName(object);
      const whole = await get(nameOf(object)).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (!whole || admission.isRefused(key)) return whole;
      // The watch may have delivered it, or its deletion, meanwhile.
      if (!admission.isAdmitted(key) || store.read(key)) return undefined;
      store.onObserved(whole);
      onChange({ type: 'added', object: whole, source: 'list' });
      return undefined;
    },
  };
}

/** The resource, for the informer: it drops all but the names of refused objects, page by page. */
function limitedResource<T extends ObjectWithSpec>({
  admission,
  resource,
  weightOf,
  historyOf,
}: Pick<ObjectLimitOptions<T>, 'admission' | 'resource' | 'weightOf' | 'historyOf'>): Resource<T> {
  const { transform = keepAnnotations() } = resource.kind;
  const candidateOf = (object: T): Candidate => ({
    key: namespacedName(object),
    uid: object.metadata?.uid ?? '',
    namespace: object.metadata?.namespace ?? '',
    createdAt: new Date(object.metadata?.creationTimestamp ?? 0).getTime(),
    weight: weightOf(object),
    ...historyOf(object),
  });
  const limited = (isAdmitted: (object: T) => boolean) => (object: KubernetesObject) => {
    const transformed = transform(object) as T;
    const isBookmark = transformed.metadata?.name === undefined;
    if (!isBookmark && !isAdmitted(transformed)) keepName(transformed);
    return transformed;
  };
  return {
    ...resource,
    kind: { ...resource.kind, transform: limited((object) => admission.onWatched(candidateOf(object))) },
    async list(query = {}) {
      const onItem = limited((object) => admission.onItem(candidateOf(object), () => keepName(object)));
      const list = await resource.list({ ...query, transform: onItem });
      admission.onListed(query.namespace, new Set(list.items.map(namespacedName)));
      return list;
    },
  };
}

/** In place, because client-node's cache has the object too. */
function keepName(object: ObjectWithSpec): void {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = object.metadata ?? {};
  object.metadata = { namespace, name, uid, resourceVersion };
  object.spec = undefined;
  object.status = undefined;
}
