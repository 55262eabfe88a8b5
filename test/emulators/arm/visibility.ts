// What GET and LIST show of a registry's replicas, which may lag behind the truth: ARM's LIST shows old states and leaves
// replicas out (Azure/ARO-HCP pull request 2585, 2025); its GET lags behind creations and deletions (Crossplane and
// Terraform both wait for it).
import { selectsRegistry, selectsReplica } from './faults/fault.ts';
import type { Registry } from './registry.ts';
import type { ReplicaSnapshot } from './replica-snapshot.ts';
import type { World } from './world.ts';

/** What LIST shows. */
export function visibleToList({ faults, now }: World, registry: Registry): ReplicaSnapshot[] {
  const { reference, history } = registry;
  const stale = faults.consume('staleList', (fault) => selectsRegistry(fault, reference));
  const shown = registry.frozenList ?? (stale ? history.asOf(now - stale.fault.ms) : registry.visible());
  return shown.filter(
    ({ location }) => !faults.consume('omission', (fault) => selectsReplica(fault, reference, location)),
  );
}

/** What GET shows; undefined is a 404. */
export function visibleToGet({ faults, now }: World, registry: Registry, name: string): ReplicaSnapshot | undefined {
  const { reference, history } = registry;
  const is = registry.replicaNamed(name)?.snapshot();
  const was = (ms: number) => history.asOf(now - ms).find((other) => other.name.toLowerCase() === name.toLowerCase());
  const hidden = faults.consume('lateCreation', (fault) => {
    return is !== undefined && selectsReplica(fault, reference, is.location) && was(fault.ms) === undefined;
  });
  if (hidden) return undefined;
  const goneOrGoing = is === undefined || is.stage.kind === 'Deleting';
  const late = faults.consume('lateDeletion', (fault) => {
    const before = was(fault.ms);
    const there = before !== undefined && before.stage.kind !== 'Deleting';
    return goneOrGoing && there && selectsReplica(fault, reference, before.location);
  });
  return late ? was(late.fault.ms) : is;
}
