// Events through events.k8s.io/v1, for `kubectl describe`. They are sent one after the other in the background: a caller
// never waits, and an event that cannot be written never fails a pass.
import { randomUUID } from 'node:crypto';
import { EventsV1Api, type KubernetesObject, V1MicroTime } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import type { Cluster } from './cluster.ts';
import { explain } from './errors.ts';
import type { Log } from './log.ts';

export interface EventNews {
  readonly type: 'Normal' | 'Warning';
  /** Why, as one CamelCase word, at most 128 characters. */
  readonly reason: string;
  /** What was done, as one CamelCase word, at most 128 characters. */
  readonly action: string;
  /** For people; cut to the 1 kB that the API allows. */
  readonly note: string;
}

export interface EventRecorder {
  record(regarding: KubernetesObject, news: EventNews): void;
  /** Resolves once everything recorded so far is sent, at the latest after `ms`; to the number left unsent, which is dropped. */
  flush(ms: number): Promise<number>;
}

export interface EventRecorderOptions {
  readonly cluster: Cluster;
  /** The controller's name, such as `example.dev/controller`. */
  readonly controller: string;
  /** This process among its replicas, such as the pod's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Events kept while the API server is slow; more are dropped. */
const capacity = 1000;
/** Kubernetes' own limits (events.k8s.io/v1: note 1 kB, measured in bytes; names 253 characters). */
const noteBytes = 1024;
const nameLength = 253;

export function eventRecorder({ cluster, controller, instance, clock, log }: EventRecorderOptions): EventRecorder {
  const api = cluster.api(EventsV1Api);
  const waiting: Parameters<typeof api.createNamespacedEvent>[0][] = [];
  let sending: Promise<void> | undefined;
  let lost = 0;

  const lose = (why: string) => {
    // Once for a whole outage; the count follows when it is over.
    if (lost++ === 0) log.warn({}, `An event was lost: ${why}`);
  };
  const sendAll = async () => {
    for (let event = waiting.shift(); event; event = waiting.shift()) {
      try {
        await api.createNamespacedEvent(event);
        if (lost > 1) log.info({ lost }, `Events are written again; ${lost} were lost`);
        lost = 0;
      } catch (error) {
        lose(explain(error));
      }
    }
    sending = undefined;
  };

  return {
    record(regarding, { type, reason, action, note }) {
      if (waiting.length >= capacity) return lose(`${capacity} of them wait for the API server`);
      const { namespace = 'default', name = '', uid, resourceVersion } = regarding.metadata ?? {};
      const suffix = `.${randomUUID()}`;
      waiting.push({
        namespace,
        body: {
          metadata: { name: name.slice(0, nameLength - suffix.length) + suffix, namespace },
          eventTime: new V1MicroTime(clock.now()),
          type,
          reason,
          action,
          note: cut(note, noteBytes),
          reportingController: controller,
          reportingInstance: instance,
          regarding: {
            namespace,
            name,
            ...(regarding.apiVersion && { apiVersion: regarding.apiVersion }),
            ...(regarding.kind && { kind: regarding.kind }),
            ...(uid && { uid }),
            ...(resourceVersion && { resourceVersion }),
          },
        },
      });
      sending ??= sendAll();
    },

    async flush(ms) {
      if (!sending) return 0;
      const deadline = Promise.withResolvers<void>();
      const cancel = clock.after(ms, deadline.resolve);
      await Promise.race([sending, deadline.promise]);
      cancel();
      return waiting.splice(0).length;
    },
  };
}

/** At most so many bytes of UTF-8, whole characters only. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text).subarray(0, bytes - Buffer.byteLength('…'));
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept, { stream: true })}…`;
}
