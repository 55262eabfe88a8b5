// ConfigMaps, with kube-apiserver's rules (compared with 1.20.2).
import { isJsonObject, type KubeObject } from './object.ts';
import { ageColumn, makeResource, nameColumn, type Resource } from './resource.ts';
import type { Schema } from './schema/structural.ts';
import { type FieldError, fieldError } from './status.ts';
import type { Store } from './store.ts';

/** Bytes of all values. */
const maxSize = 1024 * 1024;

const schema: Schema = {
  description: 'ConfigMap holds configuration data for pods to consume.',
  type: 'object',
  properties: {
    data: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'The configuration data: text by key.',
    },
    binaryData: {
      type: 'object',
      additionalProperties: { type: 'string', format: 'byte' },
      description: 'Data that is not UTF-8, in base64. Its keys differ from those of data.',
    },
    immutable: {
      type: 'boolean',
      nullable: true,
      description: 'If true, only the metadata of this object can be updated.',
    },
  },
};

type Field = 'data' | 'binaryData';

function entriesOf(object: KubeObject, field: Field): [string, string][] {
  const value = object[field];
  return isJsonObject(value) ? Object.entries(value).map(([key, text]) => [key, String(text)]) : [];
}

function keyErrors(field: Field, key: string): FieldError[] {
  const refuse = (sentence: string) => [fieldError.invalid(`${field}[${key}]`, key, sentence)];
  if (key.length > 253) return refuse('must be no more than 253 characters');
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
    return refuse(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  " +
        "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    );
  }
  if (key === '.' || key === '..') return refuse(`must not be '${key}'`);
  return key.startsWith('..') ? refuse("must not start with '..'") : [];
}

function errorsOf(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const text = entriesOf(object, 'data');
  const binary = entriesOf(object, 'binaryData');
  const binaryKeys = new Set(binary.map(([key]) => key));
  const size = [
    ...text.map(([, value]) => Buffer.byteLength(value)),
    ...binary.map(([, value]) => Buffer.byteLength(value, 'base64')),
  ].reduce((sum, bytes) => sum + bytes, 0);
  return [
    ...text.flatMap(([key]) => [
      ...keyErrors('data', key),
      ...(binaryKeys.has(key)
        ? [fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')]
        : []),
    ]),
    ...binary.flatMap(([key]) => keyErrors('binaryData', key)),
    ...(size > maxSize ? [fieldError.tooLong('[]', maxSize)] : []),
    ...(old?.immutable === true ? immutableErrors(object, old) : []),
  ];
}

function immutableErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const changed = (field: Field) =>
    JSON.stringify(entriesOf(object, field).sort()) !== JSON.stringify(entriesOf(old, field).sort());
  const fields = [
    ...(object.immutable === true ? [] : ['immutable']),
    ...(['data', 'binaryData'] as const).filter(changed),
  ];
  return fields.map((field) => fieldError.forbidden(field, 'field is immutable when `immutable` is set'));
}

export function configMaps(store: Store): Resource {
  return makeResource({
    group: '',
    version: 'v1',
    plural: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    listKind: 'ConfigMapList',
    shortNames: ['cm'],
    categories: [],
    namespaced: true,
    origin: 'built-in',
    collection: store.collection('configmaps'),
    schema,
    columns: [
      nameColumn,
      {
        name: 'Data',
        type: 'string',
        description: 'The number of keys.',
        priority: 0,
        cell: (object) => entriesOf(object, 'data').length + entriesOf(object, 'binaryData').length,
      },
      ageColumn,
    ],
    validate: errorsOf,
  });
}
