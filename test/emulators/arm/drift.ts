// Changes that another client makes to registries and replicas, as JSON values for the admin API and for chaos. Each takes
// effect once, at once, and bypasses the API's rules.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import { type Azure, ImpossibleChange } from './azure.ts';
import {
  boolean,
  type Fields,
  InvalidInput,
  isObject,
  oneOf,
  optional,
  readFields,
  text,
  textMap,
  type Values,
} from './faults/field.ts';
import { defaultFailure } from './provisioning-outcome.ts';

interface Change<F extends Fields = Fields> {
  readonly meaning: string;
  readonly fields: F;
  readonly example: Values<F>;
}

function change<const F extends Fields>(meaning: string, fields: F, example: Values<F>): Change<F> {
  return { meaning, fields, example };
}

const registry = text("The registry's name; names are unique in all of Azure.");
const one = { registry };
const replica = { registry, location: text("The replica's location.") };

export const changes = {
  routing: change(
    'Switches the routing to a replica.',
    { ...replica, routing: boolean('On or off.') },
    { registry: 'myACR0007', location: 'japaneast', routing: false },
  ),
  tags: change(
    "Replaces a replica's tags.",
    { ...replica, tags: textMap('All tags.') },
    { registry: 'myACR0007', location: 'japaneast', tags: { by: 'someone else' } },
  ),
  replicaAdded: change(
    'Adds a replica.',
    {
      ...replica,
      name: optional(text("Its ARM name; default: the location's short form.")),
      state: optional(oneOf('Default: Ready.', ['Creating', 'Syncing', 'Ready', 'Failed'])),
    },
    { registry: 'myACR0007', location: 'uksouth', name: 'someoneelses' },
  ),
  replicaRemoved: change('Removes a replica.', replica, { registry: 'myACR0007', location: 'japaneast' }),
  replicaFailed: change('Makes a replica Failed.', replica, { registry: 'myACR0007', location: 'japaneast' }),
  replicaFinished: change('Completes the operation of a replica.', replica, {
    registry: 'myACR0007',
    location: 'japaneast',
  }),
  sku: change(
    'Changes the SKU of the registry.',
    { ...one, sku: oneOf('The SKU.', ['Basic', 'Standard', 'Premium']) },
    { registry: 'myACR0007', sku: 'Standard' },
  ),
  registryState: change(
    'Changes the provisioning state of the registry.',
    { ...one, state: oneOf('The state.', ['Creating', 'Updating', 'Deleting', 'Succeeded', 'Failed']) },
    { registry: 'myACR0007', state: 'Updating' },
  ),
  registryRemoved: change('Removes the registry with its replicas.', one, { registry: 'myACR0007' }),
  registryRecreated: change(
    'Deletes the registry and creates it again, without replicas.',
    { ...one, location: text('Its new home region.') },
    { registry: 'myACR0007', location: 'westus' },
  ),
} as const satisfies Readonly<Record<string, Change>>;

export type DriftKind = keyof typeof changes;

export const driftKinds = Object.keys(changes) as DriftKind[];

/** `{kind: 'routing', registry: 'myACR0007', location: 'japaneast', routing: false}`. */
export type Drift = {
  [K in DriftKind]: { readonly kind: K } & Values<(typeof changes)[K]['fields']>;
}[DriftKind];

/** Throws InvalidInput if `json` is not a change. */
export function readDrift(json: unknown): Drift {
  if (!isObject(json)) throw new InvalidInput('It must be a JSON object.');
  const chosen = driftKinds.find((kind) => kind === json.kind);
  if (!chosen) throw new InvalidInput(`"kind" must be one of ${driftKinds.join(', ')}.`);
  return readFields({ kind: oneOf('', driftKinds), ...changes[chosen].fields }, json) as Drift;
}

/** Throws ImpossibleChange if the subject does not exist. */
export function drift(azure: Azure, what: Drift): void {
  const reference = referenceOf(azure, what.registry);
  switch (what.kind) {
    case 'routing':
      azure.changeReplica(reference, what.location, { routing: what.routing });
      return;
    case 'tags':
      azure.changeReplica(reference, what.location, { tags: what.tags });
      return;
    case 'replicaAdded': {
      const { location, name, state } = what;
      azure.addReplica(reference, location, { ...(name && { name }), ...(state && { state }) });
      return;
    }
    case 'replicaRemoved':
      azure.removeReplica(reference, what.location);
      return;
    case 'replicaFailed':
      azure.failReplica(reference, what.location, defaultFailure);
      return;
    case 'replicaFinished':
      azure.finish(reference, what.location);
      return;
    case 'sku':
      azure.changeRegistry(reference, { sku: what.sku });
      return;
    case 'registryState':
      azure.changeRegistry(reference, { provisioningState: what.state });
      return;
    case 'registryRemoved':
      azure.removeRegistry(reference);
      return;
    case 'registryRecreated':
      azure.addRegistry(reference, { location: what.location });
      return;
    default:
      what satisfies never;
  }
}

function referenceOf(azure: Azure, name: string): RegistryReference {
  const reference = azure.references().find((other) => other.name.toLowerCase() === name.toLowerCase());
  if (!reference) throw new ImpossibleChange(`There is no registry ${name}`);
  return reference;
}
