// ObjectMeta: its schema, its validation, and the fields that the server sets. Owner references are stored and ignored.
import { isDeepStrictEqual } from 'node:util';
import { sameOwners } from './managed-fields/entries.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import type { Schema } from './schema/structural.ts';
import { qualifiedNameErrors } from './selectors.ts';
import { type FieldError, fieldError } from './status.ts';

const stringMap: Schema = { type: 'object', additionalProperties: { type: 'string' } };

export const objectMetaSchema: Schema = {
  description: "Standard object's metadata.",
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Name must be unique within a namespace. Cannot be updated.' },
    generateName: {
      type: 'string',
      description: 'An optional prefix, used by the server to generate a unique name where no name is given.',
    },
    namespace: { type: 'string', description: 'The space within which each name must be unique. Cannot be updated.' },
    uid: { type: 'string', description: 'Unique in time and space. Populated by the system. Read-only.' },
    resourceVersion: {
      type: 'string',
      description: 'The internal version of this object, for optimistic concurrency and for watches. Read-only.',
    },
    generation: { type: 'integer', format: 'int64', description: 'The generation of the desired state. Read-only.' },
    creationTimestamp: { type: 'string', format: 'date-time', nullable: true, description: 'Read-only.' },
    deletionTimestamp: {
      type: 'string',
      format: 'date-time',
      nullable: true,
      description: 'When this resource will be deleted: set when its deletion is requested. Read-only.',
    },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64', nullable: true, description: 'Read-only.' },
    labels: { ...stringMap, nullable: true, description: 'Keys and values to organise and select objects by.' },
    annotations: { ...stringMap, nullable: true, description: 'Keys and values that tools keep with the object.' },
    finalizers: {
      type: 'array',
      nullable: true,
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      description: 'Must be empty before the object is deleted from the registry.',
    },
    ownerReferences: {
      type: 'array',
      nullable: true,
      description: 'The objects that this object depends on.',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          name: { type: 'string' },
          uid: { type: 'string' },
          controller: { type: 'boolean', nullable: true },
          blockOwnerDeletion: { type: 'boolean', nullable: true },
        },
      },
    },
    managedFields: { type: 'array', nullable: true, 'x-kubernetes-preserve-unknown-fields': true },
    selfLink: { type: 'string' },
  },
};

const { ownerReferences, ...otherMetadata } = objectMetaSchema.properties ?? {};

/** The schema by which fields have owners. Each owner reference has its own, although uids may repeat in a request. */
export const ownedMetadataSchema: Schema = {
  ...objectMetaSchema,
  properties: {
    ...otherMetadata,
    ownerReferences: { ...ownerReferences, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] },
  },
};

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** The violations of a naming rule; empty if the name is valid. */
export type NameErrors = (name: string) => string[];

export const subdomainErrors: NameErrors = (name) => [
  ...(name.length > 253 ? ['must be no more than 253 bytes'] : []),
  ...(subdomain.test(name)
    ? []
    : [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
          "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ]),
];

export const labelErrors: NameErrors = (name) => [
  ...(name.length > 63 ? ['must be no more than 63 bytes'] : []),
  ...(label.test(name)
    ? []
    : [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric " +
          "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ]),
];

/** 256 KiB for all annotations of an object. */
const annotationsLimit = 256 * 1024;

export function metadataErrors(metadata: ObjectMeta, nameErrors: NameErrors): FieldError[] {
  const { name, labels = {}, annotations = {} } = metadata;
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required('metadata.name', 'name or generateName is required'));
  else errors.push(...nameErrors(name).map((error) => fieldError.invalid('metadata.name', name, error)));
  for (const [key, value] of Object.entries(labels)) {
    errors.push(...qualifiedNameErrors(key).map((error) => fieldError.invalid('metadata.labels', key, error)));
    if (value.length > 63) {
      errors.push(fieldError.invalid('metadata.labels', value, 'must be no more than 63 bytes'));
    }
    if (!labelValue.test(value)) {
      errors.push(
        fieldError.invalid(
          'metadata.labels',
          value,
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
            "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
      );
    }
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    errors.push(
      ...qualifiedNameErrors(key.toLowerCase()).map((error) => fieldError.invalid('metadata.annotations', key, error)),
    );
  }
  if (size > annotationsLimit) errors.push(fieldError.tooLong('metadata.annotations', annotationsLimit));
  return errors;
}

/** Changes to metadata that an update may not make. */
export function metadataUpdateErrors(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.uid && metadata.uid !== old.uid) {
    errors.push(fieldError.invalid('metadata.uid', metadata.uid, 'field is immutable'));
  }
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
  if (old.deletionTimestamp && added.length) {
    errors.push(
      fieldError.forbidden(
        'metadata.finalizers',
        'no new finalizers can be added if the object is being deleted, found new finalizers ' +
          `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`,
      ),
    );
  }
  return errors;
}

/** Drops empty maps, empty lists and nulls, as the API's JSON does, selfLink, and managedFields, which each write derives. */
export function tidyMetadata(metadata: ObjectMeta): ObjectMeta {
  return Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => {
      if (name === 'managedFields' || name === 'selfLink') return false;
      if (value === null || value === undefined || value === '') return false;
      return typeof value !== 'object' || Object.keys(value).length > 0;
    }),
  ) as ObjectMeta;
}

/** The parts of metadata that only the server sets. */
export function systemMetadata(old: ObjectMeta): Partial<ObjectMeta> {
  const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, generateName } = old;
  return {
    uid,
    creationTimestamp,
    ...(generation !== undefined && { generation }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    ...(generateName !== undefined && { generateName }),
  };
}

/** Whether two states of an object are equal, apart from their version and from when their fields were managed. */
export function sameObject(a: KubeObject, b: KubeObject): boolean {
  const { resourceVersion: _a, managedFields: ownersA, ...metadataA } = a.metadata;
  const { resourceVersion: _b, managedFields: ownersB, ...metadataB } = b.metadata;
  if (!isDeepStrictEqual({ ...a, metadata: metadataA }, { ...b, metadata: metadataB })) return false;
  return sameOwners(ownersA, ownersB);
}
