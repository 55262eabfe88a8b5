// How ACR's work on a replica ends when a fault makes it fail. Evaluated once, when the work begins.

import { type Fault, selectsRegistry, selectsReplica } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import type { Registry, Replica } from './registry.ts';
import type { FailedEnding, Failure, SettledStage } from './replica-lifecycle.ts';

/** Code and message are assumed: no failed operation is on record. */
export const defaultFailure: Failure = {
  code: 'ReplicationFailed',
  message: 'The replication could not be provisioned. Please delete it and try again.',
};

/** Reported: a private endpoint without a free address rolls the replica back; code and message are assumed. */
const noAddress: Failure = {
  code: 'PrivateEndpointAddressExhausted',
  message: 'The replication was rolled back: the subnet of a private endpoint has no free IP address.',
};

interface Circumstances {
  readonly faults: Faults;
  /** ms since the epoch. */
  readonly now: number;
}

/** Undefined if the creation will succeed. */
export function failingCreation(
  { faults, now }: Circumstances,
  registry: Registry,
  location: string,
): FailedEnding | undefined {
  const here = (fault: Fault<'failedCreation' | 'stuckCreation' | 'vanishingCreation' | 'failedRecreation'>) =>
    selectsReplica(fault, registry.reference, location);
  const freed = registry.freedAt.get(location) ?? Number.NEGATIVE_INFINITY;
  // Reported: a creation right after a deletion is accepted and then fails (Azure/azure-rest-api-specs issue 18934, 2022).
  const failed =
    faults.consume('failedCreation', here) ??
    faults.consume('failedRecreation', (fault) => here(fault) && now < freed + fault.ms);
  if (failed) return { kind: 'Failed', failure: failureOf(failed.fault, defaultFailure) };
  // Reported: Azure/acr issue 647; Microsoft's article on geo-replication advises to delete the replica.
  if (faults.consume('stuckCreation', here)) return { kind: 'Never' };
  const vanishing = faults.consume('vanishingCreation', here);
  return vanishing && { kind: 'Gone', failure: failureOf(vanishing.fault, noAddress) };
}

/** The stage after an update. A Failed replica stays Failed (Azure/ARO-HCP pull request 2366) unless a fault heals it. */
export function stageAfterUpdate(
  { faults }: Circumstances,
  { registry, location }: Replica,
  rest: SettledStage,
): SettledStage {
  const here = (fault: Fault<'failedUpdate' | 'healing'>) => selectsReplica(fault, registry.reference, location);
  const { since } = rest;
  const failed = faults.consume('failedUpdate', here);
  if (failed) return { kind: 'Failed', since, failure: failureOf(failed.fault, defaultFailure) };
  return rest.kind === 'Failed' && faults.consume('healing', here) ? { kind: 'Ready', since } : rest;
}

/** Extra ms until the home region's entry appears. */
export function homeEntryDelayMs({ faults }: Circumstances, registry: Registry): number {
  return faults.consume('lateHomeEntry', (fault) => selectsRegistry(fault, registry.reference))?.fault.ms ?? 0;
}

function failureOf({ code, message }: { code?: string; message?: string }, otherwise: Failure): Failure {
  return { code: code ?? otherwise.code, message: message ?? otherwise.message };
}
