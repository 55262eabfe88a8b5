// Builds an event within the limits of events.k8s.io/v1. Pure.
import { type EventsV1Event, type KubernetesObject, V1MicroTime } from '@kubernetes/client-node';
import type { Random } from '../../lib/backoff.ts';
import { sanitize } from '../../lib/sanitize.ts';

export interface EventRecord {
  readonly type: 'Normal' | 'Warning';
  /** Why, in CamelCase, at most 128 characters. */
  readonly reason: string;
  /** What was done, in CamelCase, at most 128 characters. */
  readonly action: string;
  /** For people; converted to one line and truncated to the API's limit of 1 kB. */
  readonly note: string;
}

export interface Reporter {
  /** The controller's name, such as `example.dev/controller`. */
  readonly controller: string;
  /** This process among the controller's replicas, such as the pod's name; truncated to 128 characters. */
  readonly instance: string;
}

// Limits of Kubernetes (pkg/apis/core/validation/events.go).
const maxNoteBytes = 1024;
const maxInstanceChars = 128;
const maxNameChars = 253;

/** @param nowMs Since the epoch. */
export function toEvent(
  object: KubernetesObject,
  { type, reason, action, note }: EventRecord,
  { controller, instance }: Reporter,
  nowMs: number,
  random: Random,
): EventsV1Event {
  const { namespace, name = '', uid, resourceVersion } = object.metadata ?? {};
  const { apiVersion, kind } = object;
  return {
    metadata: { name: eventName(name, nowMs, random), namespace: namespace ?? 'default' },
    eventTime: new V1MicroTime(nowMs),
    type,
    reason,
    action,
    note: truncateBytes(sanitize(note, maxNoteBytes), maxNoteBytes),
    reportingController: controller,
    reportingInstance: instance.slice(0, maxInstanceChars),
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

/** Unique, and sorted by time as in client-go. */
function eventName(object: string, nowMs: number, random: Random): string {
  const digits = Math.floor(random() * 2 ** 32);
  const suffix = `.${nowMs.toString(16)}${digits.toString(16).padStart(8, '0')}`;
  // A DNS label ends in a letter or a digit, also after truncation.
  return object.slice(0, maxNameChars - suffix.length).replace(/[^a-z0-9]+$/, '') + suffix;
}

/** Truncates to a number of UTF-8 bytes without splitting a character. */
function truncateBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const kept = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength('…'));
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept, { stream: true })}…`;
}
