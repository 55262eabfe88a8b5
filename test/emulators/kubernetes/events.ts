// Events: one collection, stored in the form of core/v1, served as core/v1 and as events.k8s.io/v1.
import { eventErrors, newEventErrors } from './event-rules.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from './object.ts';
import { age, type Column, makeResource, type Resource } from './resource.ts';
import type { Schema } from './schema/structural.ts';
import type { Store } from './store.ts';

const string: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time', nullable: true };
const count: Schema = { type: 'integer', format: 'int32' };
const microTime: Schema = { type: 'string', format: 'micro-time', nullable: true };

const reference: Schema = {
  type: 'object',
  properties: {
    apiVersion: string,
    kind: string,
    name: string,
    namespace: string,
    uid: string,
    resourceVersion: string,
    fieldPath: string,
  },
};

const source: Schema = { type: 'object', properties: { component: string, host: string } };

const series: Schema = {
  type: 'object',
  nullable: true,
  properties: { count, lastObservedTime: microTime, state: string },
};

const shared = { action: string, eventTime: microTime, reason: string, related: reference, reportingInstance: string };

const coreSchema: Schema = {
  description: 'Event is a report of an event somewhere in the cluster.',
  type: 'object',
  required: ['involvedObject'],
  properties: {
    ...shared,
    involvedObject: { ...reference, description: 'The object that this event is about.' },
    message: { ...string, description: 'What happened, for people.' },
    reportingComponent: string,
    source,
    series,
    type: { ...string, description: 'Normal or Warning.' },
    count,
    firstTimestamp: time,
    lastTimestamp: time,
  },
};

const eventsSchema: Schema = {
  description: 'Event is a report of an event somewhere in the cluster.',
  type: 'object',
  properties: {
    ...shared,
    regarding: { ...reference, description: 'The object that this event is about.' },
    note: { ...string, description: 'What happened, for people.' },
    reportingController: string,
    deprecatedSource: source,
    series,
    type: { ...string, description: 'Normal or Warning.' },
    deprecatedCount: count,
    deprecatedFirstTimestamp: time,
    deprecatedLastTimestamp: time,
  },
};

/** The fields with different names: in events.k8s.io/v1 and in core/v1. */
const renamed: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedCount', 'count'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
];
const toCoreName = new Map(renamed);
const fromCoreName = new Map(renamed.map(([later, core]) => [core, later] as const));

function rename(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const renamedFields = Object.fromEntries(
    Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]),
  );
  return { ...renamedFields, apiVersion, kind: 'Event', metadata: object.metadata };
}

const member = (object: Json | undefined, name: string): string => {
  const value = isJsonObject(object) ? object[name] : undefined;
  return typeof value === 'string' ? value : '';
};

const referenceFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

function selectable(prefix: 'involvedObject' | 'regarding') {
  const controller = prefix === 'regarding' ? 'reportingController' : 'reportingComponent';
  return {
    selectableFields: [...referenceFields.map((field) => `${prefix}.${field}`), 'reason', 'type', 'source', controller],
    /** Of the stored form. */
    selectable: (object: KubeObject): Record<string, string> => ({
      ...Object.fromEntries(referenceFields.map((f) => [`${prefix}.${f}`, member(object.involvedObject, f)])),
      reason: member(object, 'reason'),
      type: member(object, 'type'),
      source: member(object.source, 'component') || member(object, 'reportingComponent'),
      [controller]: member(object, 'reportingComponent'),
    }),
  };
}

function firstSeen(object: KubeObject): string {
  return member(object, 'firstTimestamp') || member(object, 'eventTime');
}

function lastSeen(object: KubeObject): string {
  return member(object.series, 'lastObservedTime') || member(object, 'lastTimestamp') || firstSeen(object);
}

function times(object: KubeObject): number {
  const repeated = isJsonObject(object.series) ? object.series.count : undefined;
  if (typeof repeated === 'number') return repeated;
  return typeof object.count === 'number' && object.count > 0 ? object.count : 1;
}

const column = (name: string, priority: number, description: string, cell: Column['cell']): Column => ({
  name,
  type: 'string',
  description,
  priority,
  cell,
});

/** Of the stored form. */
const columns: readonly Column[] = [
  column('Last Seen', 0, 'When the event was last recorded.', (event, now) => age(lastSeen(event), now)),
  column('Type', 0, 'Normal or Warning.', (event) => member(event, 'type')),
  column('Reason', 0, 'One word that says why.', (event) => member(event, 'reason')),
  column('Object', 0, 'The object that this event is about.', (event) => {
    const kind = member(event.involvedObject, 'kind').toLowerCase();
    const name = member(event.involvedObject, 'name');
    return name ? `${kind}/${name}` : kind;
  }),
  column('Subobject', 1, 'The part of the object that this event is about.', (event) =>
    member(event.involvedObject, 'fieldPath'),
  ),
  column('Source', 1, 'The component that reports.', (event) => {
    const component = member(event.source, 'component');
    if (!component) return [member(event, 'reportingComponent'), member(event, 'reportingInstance')].join(', ');
    return [component, member(event.source, 'host')].filter(Boolean).join(', ');
  }),
  column('Message', 0, 'What happened.', (event) => member(event, 'message').trim()),
  column('First Seen', 1, 'When the event was first recorded.', (event, now) => age(firstSeen(event), now)),
  column('Count', 1, 'How often this event has occurred.', times),
  column('Name', 1, 'The name of the event itself.', (event) => event.metadata.name),
];

const names = {
  plural: 'events',
  singular: 'event',
  kind: 'Event',
  listKind: 'EventList',
  shortNames: ['ev'],
  categories: [],
  namespaced: true,
  origin: 'built-in',
  isMadeByUpdate: true,
} as const;

/** Fields that core/v1 always shows. */
const completed = (object: KubeObject): KubeObject => ({
  ...withoutEmpty(object),
  apiVersion: 'v1',
  kind: 'Event',
  metadata: object.metadata,
  source: object.source ?? {},
  firstTimestamp: object.firstTimestamp ?? null,
  lastTimestamp: object.lastTimestamp ?? null,
  eventTime: object.eventTime ?? null,
  reportingComponent: object.reportingComponent ?? '',
  reportingInstance: object.reportingInstance ?? '',
});

function withoutEmpty(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined));
}

export function eventResources(store: Store): Resource[] {
  const collection = store.collection('events');
  const views = new WeakMap<KubeObject, KubeObject>();
  return [
    makeResource({
      ...names,
      group: '',
      version: 'v1',
      collection,
      schema: coreSchema,
      ownedSchema: undefined,
      columns,
      ...selectable('involvedObject'),
      toStored: completed,
      validate: eventErrors,
    }),
    makeResource({
      ...names,
      group: 'events.k8s.io',
      version: 'v1',
      collection,
      schema: eventsSchema,
      ownedSchema: undefined,
      columns,
      ...selectable('regarding'),
      toStored: (object) => completed(rename(object, toCoreName, 'v1')),
      fromStored(object) {
        let view = views.get(object);
        if (!view) {
          view = rename(object, fromCoreName, 'events.k8s.io/v1');
          views.set(object, view);
        }
        return view;
      },
      validate: (object, old) => [...eventErrors(object), ...(old ? [] : newEventErrors(object))],
    }),
  ];
}
