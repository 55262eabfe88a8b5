// Questions about an object's status, as the scenarios ask them. Pure.
import type { Condition, RegionState, RegionStatus, RegistryReplication } from '../../src/api/registryreplication.ts';

export function condition({ status }: RegistryReplication, type: Condition['type']): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

/** Ready, and that is said of the present spec. */
export function isReady(object: RegistryReplication): boolean {
  const ready = condition(object, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
}

/** Whether Ready is False, or Unknown, for this reason, for the present spec. */
export function isNotReadyBecause(reason: string): (object: RegistryReplication) => boolean {
  return (object) => {
    const ready = condition(object, 'Ready');
    return (
      ready?.status !== 'True' && ready?.reason === reason && ready.observedGeneration === object.metadata.generation
    );
  };
}

export function messageOf(object: RegistryReplication): string {
  return condition(object, 'Ready')?.message ?? '';
}

export function region({ status }: RegistryReplication, location: string): RegionStatus | undefined {
  return status?.regions?.find((row) => row.location === location);
}

/** Whether every one of these regions is in this state. */
export function are(state: RegionState, ...locations: string[]): (object: RegistryReplication) => boolean {
  return (object) => locations.every((location) => region(object, location)?.state === state);
}
