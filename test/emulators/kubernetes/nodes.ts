// Nodes, as far as clients read, label, cordon and taint them (compared with kube-apiserver 1.20.2). Changes of what
// kube-apiserver keeps immutable (providerID, podCIDR) are not refused.
import { isJsonObject, type JsonObject, type KubeObject, stringIn } from './object.ts';
import { ageColumn, type Column, makeResource, nameColumn, type Resource } from './resource.ts';
import type { Schema } from './schema/structural.ts';
import type { Store } from './store.ts';

const string: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time', nullable: true };
const quantities: Schema = { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } };

const nodeInfoFields = [
  'machineID',
  'systemUUID',
  'bootID',
  'kernelVersion',
  'osImage',
  'containerRuntimeVersion',
  'kubeletVersion',
  'kubeProxyVersion',
  'operatingSystem',
  'architecture',
] as const;

const specSchema: Schema = {
  type: 'object',
  description: 'How the node behaves.',
  properties: {
    podCIDR: string,
    podCIDRs: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
    providerID: { ...string, description: 'The cloud provider’s id of the node.' },
    unschedulable: { type: 'boolean', description: 'Whether no new pods are scheduled on the node.' },
    taints: {
      type: 'array',
      description: 'Effects on pods that do not tolerate them.',
      items: {
        type: 'object',
        required: ['key', 'effect'],
        properties: { key: string, value: string, effect: string, timeAdded: time },
      },
    },
  },
};

const statusSchema: Schema = {
  type: 'object',
  description: 'What was last observed of the node.',
  properties: {
    phase: string,
    capacity: quantities,
    allocatable: quantities,
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status'],
        properties: {
          type: string,
          status: string,
          lastHeartbeatTime: time,
          lastTransitionTime: time,
          reason: string,
          message: string,
        },
      },
    },
    addresses: {
      type: 'array',
      items: { type: 'object', required: ['type', 'address'], properties: { type: string, address: string } },
    },
    daemonEndpoints: {
      type: 'object',
      properties: {
        kubeletEndpoint: { type: 'object', properties: { Port: { type: 'integer', format: 'int32' } } },
      },
    },
    nodeInfo: { type: 'object', properties: Object.fromEntries(nodeInfoFields.map((field) => [field, string])) },
  },
};

const schema: Schema = {
  description: 'Node is a worker node in Kubernetes.',
  type: 'object',
  properties: { spec: specSchema, status: statusSchema },
};

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : []);

const statusOf = ({ status }: KubeObject): JsonObject => (isJsonObject(status) ? status : {});

function isUnschedulable({ spec }: KubeObject): boolean {
  return isJsonObject(spec) && spec.unschedulable === true;
}

function readiness(object: KubeObject): string {
  const ready = objects(statusOf(object).conditions).find(({ type }) => type === 'Ready');
  if (!ready) return 'Unknown';
  return ready.status === 'True' ? 'Ready' : 'NotReady';
}

const rolePrefix = 'node-role.kubernetes.io/';

function roles({ metadata: { labels = {} } }: KubeObject): string {
  const found = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length);
    return key === 'kubernetes.io/role' ? value : '';
  });
  return [...new Set(found.filter(Boolean))].sort().join(',') || '<none>';
}

const addressOf = (object: KubeObject, wanted: string) =>
  stringIn(
    objects(statusOf(object).addresses).find(({ type }) => type === wanted),
    'address',
  ) ?? '<none>';

const infoOf = (object: KubeObject, field: (typeof nodeInfoFields)[number]) =>
  stringIn(statusOf(object).nodeInfo, field) ?? '';

function column(name: string, priority: number, description: string, cell: Column['cell']): Column {
  return { name, type: 'string', description, priority, cell };
}

const columns: readonly Column[] = [
  nameColumn,
  column('Status', 0, 'The status of the node', (object) =>
    [readiness(object), ...(isUnschedulable(object) ? ['SchedulingDisabled'] : [])].join(','),
  ),
  column('Roles', 0, 'The roles of the node', roles),
  ageColumn,
  column('Version', 0, 'Kubelet Version reported by the node.', (object) => infoOf(object, 'kubeletVersion')),
  column('Internal-IP', 1, 'The address inside the cluster.', (object) => addressOf(object, 'InternalIP')),
  column('External-IP', 1, 'The address outside the cluster.', (object) => addressOf(object, 'ExternalIP')),
  column('OS-Image', 1, 'OS Image reported by the node.', (object) => infoOf(object, 'osImage') || '<unknown>'),
  column(
    'Kernel-Version',
    1,
    'Kernel Version reported by the node.',
    (object) => infoOf(object, 'kernelVersion') || '<unknown>',
  ),
  column(
    'Container-Runtime',
    1,
    'Container runtime reported by the node.',
    (object) => infoOf(object, 'containerRuntimeVersion') || '<unknown>',
  ),
];

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** Admission taints a new node; decoding completes its status. */
function completeNew(object: KubeObject): KubeObject {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const status = statusOf(object);
  const unknown = Object.fromEntries(nodeInfoFields.map((field) => [field, '']));
  return {
    ...object,
    spec: { ...spec, taints: [...objects(spec.taints), notReady] },
    status: {
      ...status,
      daemonEndpoints: status.daemonEndpoints ?? { kubeletEndpoint: { Port: 0 } },
      nodeInfo: { ...unknown, ...(isJsonObject(status.nodeInfo) && status.nodeInfo) },
    },
  };
}

export function nodes(store: Store): Resource {
  return makeResource({
    group: '',
    version: 'v1',
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    listKind: 'NodeList',
    shortNames: ['no'],
    categories: [],
    namespaced: false,
    origin: 'built-in',
    collection: store.collection('nodes'),
    schema,
    hasStatus: true,
    allowsStatusOnCreate: true,
    columns,
    selectableFields: ['spec.unschedulable'],
    selectable: (object) => ({ 'spec.unschedulable': String(isUnschedulable(object)) }),
    completeNew,
  });
}
