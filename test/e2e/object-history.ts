// Records every version of every object from `kubectl get -w -o json --output-watch-events`, and waits, with a timeout, for a
// version that matches. Objects are told apart by name only, so each test uses its own names.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { hangLimitMs } from '../hang-limit.ts';

export interface ObjectHistory {
  /** Takes the JSON that kubectl printed after a write: older versions of the object do not match from now on. */
  recordWrite(json: string): void;
  until(name: string, what: string, fits: (object: RegistryReplication) => boolean): Promise<RegistryReplication>;
  untilGone(name: string): Promise<void>;
  history(name: string): readonly RegistryReplication[];
}

interface WatchEvent {
  readonly type: string;
  readonly object: RegistryReplication;
}

/** @param context more lines for the message of a timeout */
export function watchObjects(output: Readable, context: () => readonly string[]): ObjectHistory {
  const histories = new Map<string, RegistryReplication[]>();
  const gone = new Set<string>();
  const generations = new Map<string, number>();
  const watchers = new Set<() => void>();

  createInterface(output).on('line', (line) => show(JSON.parse(line)));

  function show({ type, object }: WatchEvent): void {
    const { name } = object.metadata;
    if (type === 'DELETED') gone.add(name);
    else {
      gone.delete(name);
      histories.set(name, [...(histories.get(name) ?? []), object]);
    }
    for (const look of watchers) look();
  }

  /** Resolves when `find` returns a value, now or after a change. */
  function awaiting<T>(find: () => T | undefined, why: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      const found = find();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error([why(), ...context()].join('\n'))), hangLimitMs);
    watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      watchers.delete(look);
    });
  }

  const latest = (name: string) => {
    const object = histories.get(name)?.at(-1);
    return (object?.metadata.generation ?? 0) >= (generations.get(name) ?? 0) ? object : undefined;
  };

  return {
    recordWrite(json) {
      const { metadata } = JSON.parse(json) as RegistryReplication;
      generations.set(metadata.name, metadata.generation ?? 0);
      gone.delete(metadata.name);
    },
    until: (name, what, fits) =>
      awaiting(
        () => {
          const object = latest(name);
          return object && fits(object) ? object : undefined;
        },
        () => `${name}: not "${what}" in time; it was last ${JSON.stringify(latest(name)?.status)}`,
      ),
    async untilGone(name) {
      await awaiting(
        () => gone.has(name) || undefined,
        () => `${name} is still there: ${JSON.stringify(latest(name)?.status)}`,
      );
    },
    history: (name) => histories.get(name) ?? [],
  };
}
