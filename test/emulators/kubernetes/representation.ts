// Renders objects as the Accept header asks: as they are, as a Table, or as metadata only.
import { encode, type JsonObject, type KubeObject } from './object.ts';
import { apiVersionOf, type Column, type Resource } from './resource.ts';
import { notAcceptable } from './status.ts';

const meta = 'meta.k8s.io/v1';

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Every method takes stored objects and returns JSON text. */
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

type Form = 'objects' | 'table' | 'metadata';

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
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  throw notAcceptable(offered);
}

export function representationFor(options: RepresentationOptions): Representation {
  switch (acceptedForm(options.accept)) {
    case 'objects':
      return asObjects(options.resource);
    case 'table':
      return asTable(options);
    case 'metadata':
      return asMetadata();
    default:
      throw new Error('acceptedForm has three answers');
  }
}

function asObjects(resource: Resource): Representation {
  const apiVersion = apiVersionOf(resource);
  const text = (object: KubeObject) => encode(resource.fromStored(object));
  return {
    one: text,
    list: (objects, metadata) => listText(resource.listKind, apiVersion, metadata, objects.map(text)),
    event: text,
    bookmark: (resourceVersion) =>
      JSON.stringify({ kind: resource.kind, apiVersion, metadata: { resourceVersion, creationTimestamp: null } }),
  };
}

function listText(kind: string, apiVersion: string, metadata: ListMeta, items: readonly string[]): string {
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)}`;
  return `${head},"metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`;
}

const partials = new WeakMap<KubeObject, KubeObject>();

function metadataOf(object: KubeObject): KubeObject {
  let partial = partials.get(object);
  if (!partial) {
    partial = { kind: 'PartialObjectMetadata', apiVersion: meta, metadata: object.metadata };
    partials.set(object, partial);
  }
  return partial;
}

function asMetadata(): Representation {
  const text = (object: KubeObject) => encode(metadataOf(object));
  return {
    one: text,
    list: (objects, metadata) => listText('PartialObjectMetadataList', meta, metadata, objects.map(text)),
    event: text,
    bookmark: (resourceVersion) =>
      JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: meta, metadata: { resourceVersion } }),
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
