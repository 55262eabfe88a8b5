// kube-apiserver's rules for Events beyond the schema, on the stored form (compared with kube-apiserver 1.20.2). Events with
// an eventTime have more rules, and those created through events.k8s.io the most.
import { isJsonObject, type JsonObject, type KubeObject } from './object.ts';
import { qualifiedNameErrors } from './selectors.ts';
import { type FieldError, fieldError } from './status.ts';

const wordLength = 128;
/** Bytes of UTF-8. */
const messageLength = 1024;
/** Namespaces for events about cluster-scoped objects. */
const clusterNamespaces = ['default', 'kube-system'];

/** For new and changed events of either group. */
export function eventErrors(event: KubeObject): FieldError[] {
  const about = text(event.involvedObject, 'namespace');
  const namespace = event.metadata.namespace ?? '';
  const mismatch = fieldError.invalid('involvedObject.namespace', about, 'does not match event.namespace');
  if (!event.eventTime) {
    return about === namespace || (about === '' && namespace === 'default') ? [] : [mismatch];
  }
  const controller = text(event, 'reportingComponent');
  return [
    ...(about === '' && !clusterNamespaces.includes(namespace) ? [mismatch] : []),
    ...(controller ? [] : [fieldError.required('reportingController')]),
    ...qualifiedNameErrors(controller).map((error) => fieldError.invalid('reportingController', controller, error)),
    ...['reportingInstance', 'action', 'reason'].flatMap((field) => {
      const word = text(event, field);
      if (!word) return [fieldError.required(field)];
      return longerThan(wordLength, field, word);
    }),
    ...longerThan(messageLength, 'message', text(event, 'message')),
  ];
}

/** Additional rules for events created through events.k8s.io. */
export function newEventErrors(event: KubeObject): FieldError[] {
  const type = text(event, 'type');
  const { firstTimestamp, lastTimestamp, count, source } = event;
  const unset = { firstTimestamp, lastTimestamp, count, source: text(source, 'component') || text(source, 'host') };
  return [
    ...seriesErrors(event.series),
    ...(event.eventTime ? [] : [fieldError.required('eventTime')]),
    ...(['Normal', 'Warning'].includes(type) ? [] : [fieldError.invalid('type', '', `has invalid value: ${type}`)]),
    ...Object.entries(unset).flatMap(([field, value]) =>
      value ? [fieldError.invalid(field, '', 'needs to be unset')] : [],
    ),
  ];
}

function seriesErrors(series: JsonObject[string] | undefined): FieldError[] {
  if (!isJsonObject(series)) return [];
  return [
    ...(Number(series.count ?? 0) < 2 ? [fieldError.invalid('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [fieldError.required('series.lastObservedTime')]),
  ];
}

function longerThan(limit: number, field: string, value: string): FieldError[] {
  if (Buffer.byteLength(value) <= limit) return [];
  return [fieldError.invalid(field, '', `can have at most ${limit} characters`)];
}

function text(object: JsonObject[string] | undefined, field: string): string {
  const value = isJsonObject(object) ? object[field] : undefined;
  return typeof value === 'string' ? value : '';
}
