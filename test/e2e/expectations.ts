// Predicates and accessors for an object's status.
import type { Condition, RegionState, RegionStatus, RegistryReplication } from '../../src/api/registryreplication.ts';

export function condition({ status }: RegistryReplication, type: Condition['type']): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

/** Ready for the current generation. */
export function isReady(object: RegistryReplication): boolean {
  const ready = condition(object, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
}

/** Whether Ready is False or Unknown with this reason, for the current generation. */
export function isNotReadyBecause(reason: string): (object: RegistryReplication) => boolean {
  return (object) => {
    const ready = condition(object, 'Ready');
    return (
      ready?.status !== 'True' && ready?.reason === reason && ready.observedGeneration === object.metadata.generation
    );
  };
}

export function readyMessage(object: RegistryReplication): string {
  return condition(object, 'Ready')?.message ?? '';
}

export function region({ status }: RegistryReplication, location: string): RegionStatus | undefined {
  return status?.regions?.find((row) => row.location === location);
}

/** Whether all of these regions are in this state. */
export function regionsAre(state: RegionState, ...locations: string[]): (object: RegistryReplication) => boolean {
  return (object) => locations.every((location) => region(object, location)?.state === state);
}
