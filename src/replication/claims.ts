// Which of several objects that name one registry may act on it: exactly one. The rule is pure; the index that finds the
// others in time is kept by whoever sees the objects change. Objects in namespaces that this operator does not see do not count.
import { findCondition } from '../api/conditions.ts';
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import { Groups } from '../groups.ts';
import type { Reason } from './reasons.ts';
import { problemsOf, registryId } from './validation.ts';

/**
 * The object that may act on the registry which all of these name; undefined when none of them claims it. The holder, by
 * its status, keeps it; where there is none, or where a lost race made two, the oldest has it. It depends on nothing that
 * Azure answers or a clock says, so that two passes at a time never both find themselves the holder.
 * `objects`: those that are permitted to name it.
 */
export function holderOf(objects: readonly RegistryReplication[]): RegistryReplication | undefined {
  const claimants = objects.filter(claims).sort(byAge);
  return claimants.find(holds) ?? claimants[0];
}

/** Only what would act claims: valid, in mode Manage; suspended objects keep their claim. */
function claims(object: RegistryReplication): boolean {
  return object.spec.mode !== 'Observe' && problemsOf(object).length === 0;
}

/** What stands in the way of those who do nothing at all; whoever does something has seen the registry. */
const idle: ReadonlySet<string | undefined> = new Set<Reason>([
  'RegistryClaimed',
  'InvalidSpec',
  'DefaultIdentityDenied',
  'RegistryNotAllowed',
  'NamespaceUnreadable',
  'Suspended',
]);

function holds({ status }: RegistryReplication): boolean {
  return status?.registry !== undefined && !idle.has(reasonOf(status)) && status.phase !== 'Observing';
}

function reasonOf(status: Status | undefined): string | undefined {
  return findCondition(status?.conditions, 'Ready')?.reason;
}

function byAge(one: RegistryReplication, other: RegistryReplication): number {
  const age = ({ metadata }: RegistryReplication) => new Date(metadata.creationTimestamp ?? 0).getTime();
  return age(one) - age(other) || ((one.metadata.uid ?? '') < (other.metadata.uid ?? '') ? -1 : 1);
}

/** Finds the keys of the objects that name one registry, without reading them all. */
export class ClaimIndex {
  readonly #registries = new Groups();

  put(key: string, object: RegistryReplication): void {
    this.#registries.put(key, registryOf(object));
  }

  drop(key: string): void {
    this.#registries.put(key, undefined);
  }

  /** The keys of all objects that name this one's registry, its own among them. */
  naming(object: RegistryReplication): readonly string[] {
    return this.#registries.membersOf(registryOf(object));
  }
}

function registryOf({ spec }: RegistryReplication): string {
  return registryId(spec.registry).toLowerCase();
}
