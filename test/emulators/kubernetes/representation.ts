// Renders objects as the Accept header asks: as they are, as a Table, or as metadata only.
import { encode, type JsonObject, type KubeObject, type ObjectMeta } from './object.ts';
import { apiVersionOf, type Column, type Resource } from './resource.ts';
import { ApiError, notAcceptable, notInThatForm } from './status.ts';

const meta = 'meta.k8s.io/v1';

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Every method takes stored objects and returns JSON text, or throws if the representation has no such form. */
export interface Representation {
  one(object: KubeObject): string;
  list(objects: readonly KubeObject[], metadata: ListMeta): string;
  /** The object of one watch event; only the first one of a Table has column definitions. */
  event(object: KubeObject): string;
  bookmark(resourceVersion: string): string;
}

export interface RepresentationOptions {
  readonly resource: Resource;
  readonly accept: string;
  /** `includeObject` of Tables. */
  readonly includeObject: string;
  readonly now: () => Date;
}

type Form = 'objects' | 'table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export const offered = ['application/json', 'application/yaml'] as const;

/** The first acceptable clause of an Accept header; qualities are ignored, as by the API server. */
export function acceptedForm(accept: string): Form {
  if (!accept.trim()) return 'objects';
  for (const clause of accept.split(',')) {
    const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    const parameters = new Map(
      rest.map((parameter): [string, string] => {
        const [name = '', value = ''] = parameter.split('=');
        return [name, value];
      }),
    );
    const as = parameters.get('as');
    if (as === undefined) return 'objects';
    if (parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return as;
  }
  throw notAcceptable(offered);
}

export function representationFor(options: RepresentationOptions): Representation {
  const form = acceptedForm(options.accept);
  switch (form) {
    case 'objects':
      return asObjects(options.resource);
    case 'table':
      return asTable(options);
    case 'PartialObjectMetadata':
      return asMetadata(options.resource);
    case 'PartialObjectMetadataList':
      return asMetadataList(options.resource);
    default:
      throw new Error(`unknown form ${form satisfies never}`);
  }
}

function asObjects(resource: Resource): Representation {
  const apiVersion = apiVersionOf(resource);
  const text = (object: KubeObject) => encode(resource.fromStored(object));
  return {
    one: text,
    list: (objects, metadata) =>
      resource.origin === 'custom'
        ? customListText(resource.listKind, apiVersion, metadata, objects.map(text))
        : listText(
            resource.listKind,
            apiVersion,
            metadata,
            objects.map((object) => itemText(resource.fromStored(object))),
          ),
    event: text,
    bookmark: (resourceVersion) =>
      JSON.stringify({ kind: resource.kind, apiVersion, metadata: { resourceVersion, creationTimestamp: null } }),
  };
}

/** The order of fields of built-in lists and of those of meta.k8s.io. */
function listText(kind: string, apiVersion: string, metadata: ListMeta, items: readonly string[]): string {
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`;
  return `${head},"metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`;
}

/** Lists of custom resources have their fields in alphabetical order, and always `continue` (recorded: 1.20.2). */
function customListText(kind: string, apiVersion: string, metadata: ListMeta, items: readonly string[]): string {
  const { continue: token = '', remainingItemCount, resourceVersion } = metadata;
  const meta = { continue: token, ...(remainingItemCount !== undefined && { remainingItemCount }), resourceVersion };
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"items":[${items.join(',')}]`;
  return `${head},"kind":${JSON.stringify(kind)},"metadata":${JSON.stringify(meta)}}`;
}

const itemTexts = new WeakMap<KubeObject, string>();

/** The items of built-in lists have neither kind nor apiVersion. */
function itemText(object: KubeObject): string {
  let text = itemTexts.get(object);
  if (text === undefined) {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    text = JSON.stringify(rest);
    itemTexts.set(object, text);
  }
  return text;
}

/** The order of fields in Go's ObjectMeta. */
const metadataFields: readonly (keyof ObjectMeta)[] = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
];

const partials = new WeakMap<KubeObject, KubeObject>();

function metadataOf(object: KubeObject): KubeObject {
  let partial = partials.get(object);
  if (!partial) {
    const fields = metadataFields.flatMap((name) => {
      const value = object.metadata[name];
      return value === undefined ? [] : [[name, value]];
    });
    partial = { kind: 'PartialObjectMetadata', apiVersion: meta, metadata: Object.fromEntries(fields) };
    partials.set(object, partial);
  }
  return partial;
}

/** The type of a list, or of a built-in object, in kube-apiserver's messages. */
function goType({ origin, group }: Resource, kind: string): string {
  const [name] = group.split('.');
  return origin === 'custom' ? '*unstructured.UnstructuredList' : `*${name || 'core'}.${kind}`;
}

function asMetadata(resource: Resource): Representation {
  const text = (object: KubeObject) => encode(metadataOf(object));
  return {
    one: text,
    list: () => {
      const type = goType(resource, resource.listKind);
      throw notInThatForm(`you requested PartialObjectMetadata, but the requested object is a list (${type})`);
    },
    event: text,
    bookmark: (resourceVersion) =>
      JSON.stringify({
        kind: 'PartialObjectMetadata',
        apiVersion: meta,
        metadata: { resourceVersion, creationTimestamp: null },
      }),
  };
}

function asMetadataList(resource: Resource): Representation {
  const refuse = () => {
    // kube-apiserver takes every custom resource for a list at first (recorded: 1.20.2).
    if (resource.origin === 'custom') throw new ApiError(500, '', 'content is not a list');
    const type = goType(resource, resource.kind);
    throw notInThatForm(`you requested PartialObjectMetadataList, but the requested object is not a list (${type})`);
  };
  return {
    one: refuse,
    list: (objects, metadata) => {
      const items = objects.map((object) => encode(metadataOf(object)));
      // Without objects, kube-apiserver sends null instead of an empty list (recorded: 1.20.2).
      if (!items.length)
        return JSON.stringify({ kind: 'PartialObjectMetadataList', apiVersion: meta, metadata, items: null });
      return listText('PartialObjectMetadataList', meta, metadata, items);
    },
    event: refuse,
    bookmark: refuse,
  };
}

function asTable({ resource, includeObject, now }: RepresentationOptions): Representation {
  const row = (object: KubeObject, at: Date) => ({
    cells: resource.columns.map(({ cell }) => cell(object, at)),
    ...rowObject(resource, object, includeObject),
  });
  const table = (objects: readonly KubeObject[], metadata: ListMeta, definitions: JsonObject[] | null) => {
    const at = now();
    return JSON.stringify({
      kind: 'Table',
      apiVersion: meta,
      metadata,
      columnDefinitions: definitions,
      rows: objects.map((object) => row(object, at)),
    });
  };
  const definitions = resource.columns.map(definition);
  let named = false;
  return {
    one: (object) => table([object], { resourceVersion: object.metadata.resourceVersion }, definitions),
    list: (objects, metadata) => table(objects, metadata, definitions),
    event(object) {
      const first = named ? null : definitions;
      named = true;
      return table([object], { resourceVersion: object.metadata.resourceVersion }, first);
    },
    bookmark: (resourceVersion) => table([], { resourceVersion }, null),
  };
}

function rowObject(resource: Resource, object: KubeObject, includeObject: string): { object?: KubeObject } {
  switch (includeObject) {
    case 'None':
      return {};
    case 'Object':
      return { object: resource.fromStored(object) };
    default:
      return { object: metadataOf(object) };
  }
}

function definition({ name, type, format, description, priority }: Column): JsonObject {
  return { name, type, format: format ?? '', description, priority };
}
