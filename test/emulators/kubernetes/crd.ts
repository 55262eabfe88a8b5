// CustomResourceDefinitions: their validation, their defaults, and the resources that they define.

import { compileJsonPath } from './jsonpath.ts';
import { labelErrors } from './metadata.ts';
import { isJsonObject, type Json, type KubeObject } from './object.ts';
import { age, ageColumn, apiVersionOf, type Column, makeResource, nameColumn, type Resource } from './resource.ts';
import { compileRules } from './schema/cel.ts';
import { completeWhenRead } from './schema/defaults.ts';
import type { Schema } from './schema/structural.ts';
import { type FieldError, fieldError } from './status.ts';
import type { Collection, Store } from './store.ts';

/** Holds a definition until its objects are gone, as in the real server. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
  readonly subresources?: { readonly status?: unknown };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

export interface DefinitionSpec {
  readonly group: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly names: {
    readonly plural: string;
    readonly singular?: string;
    readonly kind: string;
    readonly listKind?: string;
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  };
  readonly versions: readonly Version[];
}

/** Safe for stored definitions: they were validated against definitionSchema. */
export function specOf(definition: KubeObject): DefinitionSpec {
  return definition.spec as unknown as DefinitionSpec;
}

const string: Schema = { type: 'string' };
const strings: Schema = { type: 'array', items: string };
const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

const namesSchema: Schema = {
  type: 'object',
  required: ['plural', 'kind'],
  properties: {
    plural: string,
    singular: string,
    kind: string,
    listKind: string,
    shortNames: strings,
    categories: strings,
  },
};

export const definitionSchema: Schema = {
  description: 'CustomResourceDefinition represents a resource that should be exposed on the API server.',
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['group', 'names', 'scope', 'versions'],
      properties: {
        group: string,
        scope: { type: 'string', enum: ['Cluster', 'Namespaced'] },
        names: namesSchema,
        conversion: { type: 'object', properties: { strategy: string, webhook: { type: 'object', ...anything } } },
        preserveUnknownFields: { type: 'boolean' },
        versions: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['name', 'served', 'storage'],
            properties: {
              name: string,
              served: { type: 'boolean' },
              storage: { type: 'boolean' },
              deprecated: { type: 'boolean' },
              deprecationWarning: { type: 'string', nullable: true },
              schema: { type: 'object', properties: { openAPIV3Schema: { type: 'object', ...anything } } },
              subresources: {
                type: 'object',
                properties: { status: { type: 'object', ...anything }, scale: { type: 'object', ...anything } },
              },
              selectableFields: { type: 'array', items: { type: 'object', properties: { jsonPath: string } } },
              additionalPrinterColumns: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['name', 'type', 'jsonPath'],
                  properties: {
                    name: string,
                    type: string,
                    format: string,
                    description: string,
                    priority: { type: 'integer', format: 'int32' },
                    jsonPath: string,
                  },
                },
              },
            },
          },
        },
      },
    },
    status: { type: 'object', ...anything },
  },
};

/** Adds what the real server fills in at creation; the definition is established a moment later. */
export function newDefinition(definition: KubeObject): KubeObject {
  const spec = specOf(definition);
  const { plural, kind } = spec.names;
  const names = { ...spec.names, singular: spec.names.singular ?? kind.toLowerCase() };
  return {
    ...definition,
    metadata: { ...definition.metadata, finalizers: [...(definition.metadata.finalizers ?? []), cleanupFinalizer] },
    spec: {
      ...(definition.spec as object),
      names: { ...names, plural, listKind: spec.names.listKind ?? `${kind}List` } as unknown as Json,
      conversion: { strategy: 'None' },
    },
    status: {
      acceptedNames: { plural: '', kind: '' },
      conditions: [],
      storedVersions: spec.versions.filter(({ storage }) => storage).map(({ name }) => name),
    },
  };
}

export function definitionErrors(definition: KubeObject, old: KubeObject | undefined): FieldError[] {
  const { group, names, scope, versions } = specOf(definition);
  const errors: FieldError[] = [];
  const { name } = definition.metadata;
  if (name !== `${names.plural}.${group}`) {
    errors.push(fieldError.invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  }
  errors.push(
    ...labelErrors(names.plural).map((error) => fieldError.invalid('spec.names.plural', names.plural, error)),
    ...labelErrors(names.kind.toLowerCase()).map((error) => fieldError.invalid('spec.names.kind', names.kind, error)),
  );
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldError.invalid('spec.versions', null, 'must have exactly one version marked as storage version'));
  }
  if (old) {
    const before = specOf(old);
    if (before.group !== group) errors.push(fieldError.invalid('spec.group', group, 'field is immutable'));
    if (before.scope !== scope) errors.push(fieldError.invalid('spec.scope', scope, 'field is immutable'));
    if (before.names.plural !== names.plural) {
      errors.push(fieldError.invalid('spec.names.plural', names.plural, 'field is immutable'));
    }
    if (before.names.kind !== names.kind) {
      errors.push(fieldError.invalid('spec.names.kind', names.kind, 'field is immutable'));
    }
  }
  versions.forEach((version, index) => {
    errors.push(...versionErrors(version, `spec.versions[${index}]`));
  });
  return errors;
}

function versionErrors(version: Version, path: string): FieldError[] {
  const schema = version.schema?.openAPIV3Schema;
  const schemaPath = `${path}.schema.openAPIV3Schema`;
  if (!schema) return [fieldError.required(schemaPath, 'schemas are required')];
  if (schema.type !== 'object') {
    return [fieldError.invalid(`${schemaPath}.type`, schema.type ?? '', 'must be object at the root')];
  }
  const errors = [...compileRules(schema, schemaPath).errors];
  version.additionalPrinterColumns?.forEach(({ jsonPath }, index) => {
    try {
      compileJsonPath(jsonPath);
    } catch (error) {
      const where = `${path}.additionalPrinterColumns[${index}].jsonPath`;
      errors.push(fieldError.invalid(where, jsonPath, error instanceof Error ? error.message : String(error)));
    }
  });
  return errors;
}

/** The collection of a definition's objects, which all versions share. */
export function collectionName(definition: KubeObject): string {
  const { group, names } = specOf(definition);
  return `${names.plural}.${group}`;
}

/** One resource per served version. `isTerminating` is checked at each creation. */
export function customResources(definition: KubeObject, store: Store, isTerminating: () => boolean): Resource[] {
  const spec = specOf(definition);
  const collection = store.collection(collectionName(definition));
  return spec.versions
    .filter(({ served }) => served)
    .map((version) => customResource(spec, version, collection, isTerminating));
}

function customResource(
  { group, names, scope, versions }: DefinitionSpec,
  version: Version,
  collection: Collection,
  isTerminating: () => boolean,
): Resource {
  const apiVersion = apiVersionOf({ group, version: version.name });
  const stored = versions.find(({ storage }) => storage)?.name ?? version.name;
  const storedApiVersion = apiVersionOf({ group, version: stored });
  const schema: Schema = version.schema?.openAPIV3Schema ?? { type: 'object' };
  const completed = completeWhenRead(schema);
  return makeResource({
    group,
    version: version.name,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    origin: 'custom',
    collection,
    schema,
    columns: [nameColumn, ...customColumns(version.additionalPrinterColumns)],
    hasStatus: version.subresources?.status !== undefined,
    hasGeneration: true,
    toStored: (object) => withApiVersion(object, storedApiVersion),
    fromStored: (object) => completed(withApiVersion(object, apiVersion)),
    creationRefusal: () =>
      isTerminating() ? 'create not allowed while custom resource definition is terminating' : undefined,
  });
}

const converted = new WeakMap<KubeObject, KubeObject>();

/** Conversion strategy None changes only the apiVersion. The result is cached per object, so that it is encoded once. */
function withApiVersion(object: KubeObject, apiVersion: string): KubeObject {
  if (object.apiVersion === apiVersion) return object;
  const known = converted.get(object);
  if (known?.apiVersion === apiVersion) return known;
  const view = { ...object, apiVersion };
  converted.set(object, view);
  return view;
}

function customColumns(columns: readonly PrinterColumn[] | undefined): Column[] {
  if (!columns?.length) return [{ ...ageColumn, type: 'date' }];
  return columns.map((column) => {
    const find = compileJsonPath(column.jsonPath);
    return {
      name: column.name,
      type: column.type,
      ...(column.format !== undefined && { format: column.format }),
      description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
      priority: column.priority ?? 0,
      cell: (object, now) => cellFor(column.type, find(object)[0], now),
    };
  });
}

/** Renders a value as kube-apiserver does; a missing value, or one of another type, gives an empty cell. */
function cellFor(type: string, value: Json | undefined, now: Date): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? age(value, now) : '<invalid>';
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}

/** Sets one condition; its lastTransitionTime moves only when its status does. */
export function withCondition(
  definition: KubeObject,
  condition: { type: string; status: 'True' | 'False'; reason: string; message: string },
  now: string,
): KubeObject {
  const status = isJsonObject(definition.status) ? definition.status : {};
  const conditions = Array.isArray(status.conditions) ? status.conditions.filter(isJsonObject) : [];
  const before = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
  const next = { ...condition, lastTransitionTime: lastTransitionTime ?? now };
  return {
    ...definition,
    status: {
      ...status,
      conditions: before ? conditions.map((each) => (each === before ? next : each)) : [...conditions, next],
    },
  };
}
