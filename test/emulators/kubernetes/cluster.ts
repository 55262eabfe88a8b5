// The served resources and what controllers do after a write: establish definitions, empty namespaces in deletion, and
// delete the objects of a definition in deletion. Independent of HTTP.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/lib/clock.ts';
import { builtInResources } from './builtin.ts';
import { cleanupFinalizer, collectionName, customResources, specOf, withCondition } from './crd.ts';
import { eventResources } from './events.ts';
import { sameObject } from './metadata.ts';
import { isJsonObject, type Json, type KubeObject, kubeTime } from './object.ts';
import type { Resource } from './resource.ts';
import { Store } from './store.ts';

const firstNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export class Cluster {
  readonly store = new Store();
  readonly clock: Clock;
  readonly #builtIn: Resource[];
  /** By the definition's name. */
  readonly #custom = new Map<string, { readonly spec: Json | undefined; readonly resources: Resource[] }>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.#builtIn = [...builtInResources(this.store), ...eventResources(this.store)];
    const namespaces = this.#served('', 'v1', 'namespaces');
    for (const name of firstNamespaces) {
      const metadata = { name, uid: randomUUID(), resourceVersion: '', creationTimestamp: kubeTime(clock.now()) };
      namespaces.collection.put(namespaces.completeNew({ apiVersion: 'v1', kind: 'Namespace', metadata }));
    }
  }

  get resources(): Resource[] {
    return [...this.#builtIn, ...[...this.#custom.values()].flatMap(({ resources }) => resources)];
  }

  resource(group: string, version: string, plural: string): Resource | undefined {
    const custom = this.#custom.get(`${plural}.${group}`)?.resources;
    return (custom ?? this.#builtIn).find((r) => r.plural === plural && r.group === group && r.version === version);
  }

  #served(group: string, version: string, plural: string): Resource {
    const resource = this.resource(group, version, plural);
    if (!resource) throw new Error(`${plural}.${group} is built in`);
    return resource;
  }

  namespace(name: string): KubeObject | undefined {
    return this.store.collection('namespaces').get(undefined, name);
  }

  /** Drops the history: a watch from an older version, or an older `continue`, gets 410 Gone. */
  compact(): void {
    this.store.compact();
  }

  /** Called after `object` was written. */
  written(resource: Resource, object: KubeObject): void {
    if (resource.kind === 'CustomResourceDefinition' && resource.origin === 'built-in') this.#establish(object);
  }

  /** Called when `object`, held by finalizers, has got its deletionTimestamp. */
  deletionBegun(resource: Resource, object: KubeObject): void {
    if (resource.origin !== 'built-in') return;
    if (resource.kind === 'Namespace') this.#emptyNamespace(object);
    if (resource.kind === 'CustomResourceDefinition') this.#deleteInstances(object);
  }

  /** Called when `object` is gone. */
  removed(resource: Resource, object: KubeObject): void {
    const { namespace } = object.metadata;
    if (namespace !== undefined) this.#finishNamespace(namespace);
    if (resource.origin === 'custom') this.#finishDefinition(`${resource.plural}.${resource.group}`);
    if (resource.origin === 'built-in' && resource.kind === 'CustomResourceDefinition') {
      this.#custom.delete(object.metadata.name);
      this.store.drop(collectionName(object));
    }
  }

  /** Marks an object for deletion while finalizers hold it, else removes it. */
  remove(resource: Resource, object: KubeObject): KubeObject | undefined {
    const { finalizers, deletionTimestamp } = object.metadata;
    if (!finalizers?.length && !resource.hasOtherFinalizers(object)) {
      resource.collection.remove(object);
      this.removed(resource, object);
      return undefined;
    }
    if (deletionTimestamp !== undefined) return object;
    const marked = resource.collection.put(this.#markedForDeletion(resource, object));
    this.deletionBegun(resource, marked);
    return marked;
  }

  #markedForDeletion(resource: Resource, object: KubeObject): KubeObject {
    const now = kubeTime(this.clock.now());
    const { metadata } = object;
    const marked: KubeObject = {
      ...object,
      metadata: {
        ...metadata,
        deletionTimestamp: now,
        ...(metadata.generation !== undefined && { generation: metadata.generation + 1 }),
        ...(resource.kind !== 'Namespace' && { deletionGracePeriodSeconds: 0 }),
      },
    };
    if (resource.origin !== 'built-in') return marked;
    if (resource.kind === 'Namespace') return { ...marked, status: { phase: 'Terminating' } };
    if (resource.kind !== 'CustomResourceDefinition') return marked;
    return withCondition(
      marked,
      {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      },
      now,
    );
  }

  #establish(definition: KubeObject): void {
    const { name } = definition.metadata;
    const now = kubeTime(this.clock.now());
    const definitions = this.store.collection('customresourcedefinitions');
    const accepted = withCondition(
      definition,
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      now,
    );
    const established = withCondition(
      accepted,
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
      now,
    );
    const { plural, singular, kind, listKind, shortNames, categories } = specOf(definition).names;
    const status = {
      ...(isJsonObject(established.status) && established.status),
      acceptedNames: JSON.parse(JSON.stringify({ plural, singular, shortNames, kind, listKind, categories })),
    };
    const isTerminating = () => definitions.get(undefined, name)?.metadata.deletionTimestamp !== undefined;
    const { spec } = definition;
    const before = this.#custom.get(name)?.spec;
    this.#custom.set(name, { spec, resources: customResources(definition, this.store, isTerminating) });
    // kube-apiserver replaces the storage, and so ends its watches, whatever the change of the spec (recorded: 1.20.2).
    if (before && !isDeepStrictEqual(before, spec)) this.store.collection(collectionName(definition)).close();
    const complete: KubeObject = { ...established, status };
    if (!sameObject(complete, definition)) definitions.put(complete);
  }

  #emptyNamespace({ metadata }: KubeObject): void {
    for (const [resource, object] of this.#contents(metadata.name)) this.remove(resource, object);
    this.#finishNamespace(metadata.name);
  }

  #contents(namespace: string): [Resource, KubeObject][] {
    const collections = new Map(this.resources.filter((r) => r.namespaced).map((r) => [r.collection, r]));
    return [...collections.values()].flatMap((resource) =>
      resource.collection
        .list()
        .filter((object) => object.metadata.namespace === namespace)
        .map((object): [Resource, KubeObject] => [resource, object]),
    );
  }

  #finishNamespace(name: string): void {
    const namespace = this.namespace(name);
    if (namespace?.metadata.deletionTimestamp === undefined || this.#contents(name).length) return;
    const namespaces = this.#served('', 'v1', 'namespaces');
    // The finalizer `kubernetes` belongs to the namespace controller; another one still holds the namespace.
    const emptied: KubeObject = { ...namespace, spec: {} };
    if (!sameObject(emptied, namespace)) this.remove(namespaces, namespaces.collection.put(emptied));
  }

  #deleteInstances(definition: KubeObject): void {
    const instance = this.#custom.get(definition.metadata.name)?.resources[0];
    for (const object of instance?.collection.list() ?? []) {
      if (instance) this.remove(instance, object);
    }
    this.#finishDefinition(definition.metadata.name);
  }

  #finishDefinition(name: string): void {
    const definitions = this.#served('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
    const definition = definitions.collection.get(undefined, name);
    if (definition?.metadata.deletionTimestamp === undefined) return;
    const { finalizers = [] } = definition.metadata;
    if (!finalizers.includes(cleanupFinalizer) || this.store.collection(collectionName(definition)).size) return;
    const released = withoutFinalizer(definition);
    if (released.metadata.finalizers?.length) definitions.collection.put(released);
    else this.remove(definitions, released);
  }
}

function withoutFinalizer(definition: KubeObject): KubeObject {
  const finalizers = definition.metadata.finalizers?.filter((finalizer) => finalizer !== cleanupFinalizer) ?? [];
  return { ...definition, metadata: { ...definition.metadata, finalizers } };
}

/** The served groups with their versions, the preferred one first; the core group is ''. */
export function groupsOf(resources: readonly Resource[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, version } of resources) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) groups.set(group, [...versions, version]);
  }
  return groups;
}
