// A served resource: one kind at one group and version, with its storage, validation and columns. Built-in and custom
// resources share this interface.

import { type NameErrors, objectMetaSchema, ownedMetadataSchema, subdomainErrors } from './metadata.ts';
import { type KubeObject, kubeTime } from './object.ts';
import type { Schema } from './schema/structural.ts';
import { makeValidator, type Validator } from './schema/validator.ts';
import type { FieldError } from './status.ts';
import type { Collection } from './store.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown; higher ones only with `-o wide`. */
  readonly priority: number;
  readonly cell: (object: KubeObject, now: Date) => string | number | boolean | null;
}

export interface ResourceNames {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
}

export interface Resource extends ResourceNames {
  readonly collection: Collection;
  readonly schema: Schema;
  /** The schema by which fields have owners; undefined if the server keeps no managedFields for the resource. */
  readonly ownedSchema: Schema | undefined;
  readonly validator: Validator;
  readonly columns: readonly Column[];
  /** `custom` resources refuse strategic merge patches and updates without a resourceVersion. */
  readonly origin: 'built-in' | 'custom';
  readonly hasStatus: boolean;
  /** Whether a creation may set the status. */
  readonly allowsStatusOnCreate: boolean;
  /** Whether metadata.generation is kept. */
  readonly hasGeneration: boolean;
  /** Whether its objects have the subresource `token`. */
  readonly hasTokens: boolean;
  /** Whether an update of a missing object creates it. */
  readonly allowsCreateOnUpdate: boolean;
  readonly nameErrors: NameErrors;
  /** Fields for selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  selectable(object: KubeObject): Record<string, string>;
  /** Converts between this version and the stored one. */
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
  /** Adds what the server sets on a new object, besides defaults. */
  completeNew(object: KubeObject): KubeObject;
  /** Rules beyond the schema, for the stored form. */
  validate(object: KubeObject, old: KubeObject | undefined): FieldError[];
  /** Why no object can be created now; undefined if it can. */
  creationRefusal(): string | undefined;
  /** Whether finalizers outside of metadata hold the object. */
  hasOtherFinalizers(object: KubeObject): boolean;
}

const itself = (object: KubeObject) => object;

type Required = ResourceNames & Pick<Resource, 'collection' | 'schema' | 'columns' | 'origin'>;

export function makeResource(given: Required & Partial<Resource>): Resource {
  const schema = wholeSchema(given);
  return {
    validator: makeValidator(schema),
    ownedSchema: { ...schema, properties: { ...schema.properties, metadata: ownedMetadataSchema } },
    hasStatus: false,
    allowsStatusOnCreate: false,
    hasGeneration: false,
    hasTokens: false,
    allowsCreateOnUpdate: false,
    nameErrors: subdomainErrors,
    selectableFields: [],
    selectable: () => ({}),
    toStored: itself,
    fromStored: itself,
    completeNew: itself,
    validate: () => [],
    creationRefusal: () => undefined,
    hasOtherFinalizers: () => false,
    ...given,
    schema,
  };
}

export function apiVersionOf({ group, version }: Pick<ResourceNames, 'group' | 'version'>): string {
  return group ? `${group}/${version}` : version;
}

/** Adds what every object has, whatever its definition says. */
function wholeSchema({ schema }: Required): Schema {
  return {
    ...schema,
    properties: {
      apiVersion: {
        type: 'string',
        description: 'APIVersion defines the versioned schema of this representation of an object.',
      },
      kind: {
        type: 'string',
        description: 'Kind is a string value representing the REST resource this object represents.',
      },
      ...schema.properties,
      metadata: objectMetaSchema,
    },
  };
}

/** Go's duration.HumanDuration, as in AGE columns. */
export function age(since: string | undefined, now: Date): string {
  const from = since === undefined ? Number.NaN : Date.parse(since);
  if (Number.isNaN(from)) return '<unknown>';
  const seconds = Math.floor((now.getTime() - from) / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small ? `${big}${bigUnit}${small}${smallUnit}` : `${big}${bigUnit}`;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 24 * 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace. Cannot be updated.',
  priority: 0,
  cell: ({ metadata }) => metadata.name,
};

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'How long ago the object was created.',
  priority: 0,
  cell: ({ metadata }, now) => age(metadata.creationTimestamp, now),
};

export const createdAtColumn: Column = {
  name: 'Created At',
  type: 'date',
  description: 'When the object was created.',
  priority: 0,
  cell: ({ metadata }) => kubeTime(new Date(metadata.creationTimestamp)),
};
