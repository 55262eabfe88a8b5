// The built-in resources that an operator of custom resources uses. Defined here: Namespaces, ServiceAccounts, Leases and
// CustomResourceDefinitions. Events are in events.ts.

import { configMaps } from './config-maps.ts';
import { definitionErrors, definitionSchema, newDefinition } from './crd.ts';
import { labelErrors } from './metadata.ts';
import { nodes } from './nodes.ts';
import { isJsonObject, type KubeObject, stringIn } from './object.ts';
import { ageColumn, createdAtColumn, makeResource, nameColumn, type Resource } from './resource.ts';
import type { Schema } from './schema/structural.ts';
import { type FieldError, fieldError } from './status.ts';
import type { Store } from './store.ts';

export function builtInResources(store: Store): Resource[] {
  return [
    configMaps(store),
    namespaces(store),
    nodes(store),
    serviceAccounts(store),
    leases(store),
    customResourceDefinitions(store),
  ];
}

const namespaceSchema: Schema = {
  description: 'Namespace provides a scope for names.',
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { finalizers: { type: 'array', items: { type: 'string' } } } },
    status: {
      type: 'object',
      properties: {
        phase: { type: 'string', description: 'Active or Terminating.' },
        conditions: {
          type: 'array',
          items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
        },
      },
    },
  },
};

function namespaces(store: Store): Resource {
  return makeResource({
    group: '',
    version: 'v1',
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    listKind: 'NamespaceList',
    shortNames: ['ns'],
    categories: [],
    namespaced: false,
    origin: 'built-in',
    collection: store.collection('namespaces'),
    schema: namespaceSchema,
    hasStatus: true,
    nameErrors: labelErrors,
    columns: [
      nameColumn,
      {
        name: 'Status',
        type: 'string',
        description: 'The status of the namespace',
        priority: 0,
        cell: (object) => stringIn(object.status, 'phase'),
      },
      ageColumn,
    ],
    selectableFields: ['status.phase'],
    selectable: (object) => ({ 'status.phase': stringIn(object.status, 'phase') ?? '' }),
    completeNew: (object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    }),
    hasOtherFinalizers: (object) => {
      const finalizers = isJsonObject(object.spec) ? object.spec.finalizers : undefined;
      return Array.isArray(finalizers) && finalizers.length > 0;
    },
  });
}

const serviceAccountSchema: Schema = {
  description: 'ServiceAccount binds together a name that may be authenticated and authorized, and secrets.',
  type: 'object',
  properties: {
    secrets: {
      type: 'array',
      items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    },
    imagePullSecrets: {
      type: 'array',
      items: { type: 'object', properties: { name: { type: 'string' } } },
    },
    automountServiceAccountToken: { type: 'boolean' },
  },
};

function serviceAccounts(store: Store): Resource {
  return makeResource({
    group: '',
    version: 'v1',
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    listKind: 'ServiceAccountList',
    shortNames: ['sa'],
    categories: [],
    namespaced: true,
    origin: 'built-in',
    collection: store.collection('serviceaccounts'),
    schema: serviceAccountSchema,
    hasTokens: true,
    columns: [
      nameColumn,
      {
        name: 'Secrets',
        type: 'string',
        description: 'Secrets is a list of the secrets in the same namespace that pods running with it may use.',
        priority: 0,
        cell: ({ secrets }) => (Array.isArray(secrets) ? secrets.length : 0),
      },
      ageColumn,
    ],
  });
}

const microTime: Schema = { type: 'string', format: 'micro-time', nullable: true };
const int32: Schema = { type: 'integer', format: 'int32' };

const leaseSchema: Schema = {
  description: 'Lease defines a lease concept.',
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        holderIdentity: {
          type: 'string',
          nullable: true,
          description: 'The identity of the holder of a current lease.',
        },
        leaseDurationSeconds: {
          ...int32,
          nullable: true,
          description: 'How long candidates need to wait, after the last observed renewTime, to force acquire it.',
        },
        acquireTime: { ...microTime, description: 'When the current lease was acquired.' },
        renewTime: { ...microTime, description: 'When the current holder last updated the lease.' },
        leaseTransitions: { ...int32, nullable: true, description: 'The number of transitions between holders.' },
        strategy: { type: 'string', nullable: true },
        preferredHolder: { type: 'string', nullable: true },
      },
    },
  },
};

function leaseErrors(object: KubeObject): FieldError[] {
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = isJsonObject(object.spec)
    ? object.spec
    : {};
  const errors: FieldError[] = [];
  if (typeof duration === 'number' && duration <= 0) {
    errors.push(fieldError.invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  }
  if (typeof transitions === 'number' && transitions < 0) {
    errors.push(fieldError.invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  }
  return errors;
}

function leases(store: Store): Resource {
  return makeResource({
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    listKind: 'LeaseList',
    shortNames: [],
    categories: [],
    namespaced: true,
    origin: 'built-in',
    collection: store.collection('leases'),
    schema: leaseSchema,
    allowsCreateOnUpdate: true,
    columns: [
      nameColumn,
      {
        name: 'Holder',
        type: 'string',
        description: 'holderIdentity contains the identity of the holder of a current lease.',
        priority: 0,
        cell: (object) => stringIn(object.spec, 'holderIdentity'),
      },
      ageColumn,
    ],
    completeNew: (object) => ({ ...object, spec: object.spec ?? {} }),
    validate: leaseErrors,
  });
}

function customResourceDefinitions(store: Store): Resource {
  return makeResource({
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    listKind: 'CustomResourceDefinitionList',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    origin: 'built-in',
    collection: store.collection('customresourcedefinitions'),
    schema: definitionSchema,
    columns: [nameColumn, createdAtColumn],
    hasStatus: true,
    hasGeneration: true,
    completeNew: newDefinition,
    validate: definitionErrors,
  });
}
