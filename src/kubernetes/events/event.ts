// Builds the body of an event within the limits of events.k8s.io/v1. Pure.
import { type EventsV1Event, type KubernetesObject, V1MicroTime } from '@kubernetes/client-node';
import type { Random } from '../../lib/backoff.ts';
import { sanitize } from '../../lib/sanitize.ts';

export interface EventRecord {
  readonly type: 'Normal' | 'Warning';
  /** Why, as one CamelCase word, at most 128 characters. */
  readonly reason: string;
  /** What was done, as one CamelCase word, at most 128 characters. */
  readonly action: string;
  /** Human-readable; reduced to one line and cut to the API's limit of 1 kB. */
  readonly note: string;
}

export interface Reporter {
  /** The controller's name, such as `example.dev/controller`. */
  readonly controller: string;
  /** This process among its replicas, such as the pod's name; cut to 128 characters. */
  readonly instance: string;
}

/** Kubernetes' own limits (pkg/apis/core/validation/events.go): the note's in bytes, the others' in ASCII characters. */
const noteBytes = 1024;
const instanceLength = 128;
const nameLength = 253;

/** @param now ms. */
export function toEvent(
  object: KubernetesObject,
  { type, reason, action, note }: EventRecord,
  { controller, instance }: Reporter,
  now: number,
  random: Random,
): EventsV1Event {
  const { namespace, name = '', uid, resourceVersion } = object.metadata ?? {};
  const { apiVersion, kind } = object;
  return {
    metadata: { name: nameOf(name, now, random), namespace: namespace ?? 'default' },
    eventTime: new V1MicroTime(now),
    type,
    reason,
    action,
    note: cut(sanitize(note, noteBytes), noteBytes),
    reportingController: controller,
    reportingInstance: instance.slice(0, instanceLength),
    regarding: {
      name,
      ...(namespace && { namespace }),
      ...(apiVersion && { apiVersion }),
      ...(kind && { kind }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
  };
}

/** Unique and sorted by time, as client-go names events. */
function nameOf(object: string, now: number, random: Random): string {
  const digits = Math.floor(random() * 2 ** 32);
  const suffix = `.${now.toString(16)}${digits.toString(16).padStart(8, '0')}`;
  // A DNS label ends in a letter or a digit, also after truncation.
  return object.slice(0, nameLength - suffix.length).replace(/[^a-z0-9]+$/, '') + suffix;
}

/** Truncates to a number of UTF-8 bytes, whole characters only. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text).subarray(0, bytes - Buffer.byteLength('…'));
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept, { stream: true })}…`;
}
