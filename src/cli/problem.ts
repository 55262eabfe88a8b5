// Why an object is not ready, where neither its plan nor the states of its regions tell. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegistryReplication } from '../api/registryreplication.ts';

/** Reasons of Ready that are no problem: the operator works, waits, or was told not to. */
const expected: readonly string[] = ['Syncing', 'Pruning', 'Deleting', 'Suspended', 'OutOfSync'];

/** `RegistryNotFound: registry myacr does not exist …`; undefined if there is no problem. */
export function problemOf({ status }: RegistryReplication): string | undefined {
  const ready = findCondition(status?.conditions, 'Ready');
  if (!ready || ready.status === 'True' || expected.includes(ready.reason)) return undefined;
  return `${ready.reason}: ${ready.message}`;
}
