// A fault as a value: a knob, how it is set, and what it is about. It can be written as JSON and read back.
import type { RegistryReference } from '../../../../src/azure/arm.ts';
import { shortForm } from '../regions.ts';
import type { RequestInfo } from '../request-info.ts';
import { knobs, type Limits, limits } from './fault-catalog.ts';
import { isObject, Misfit, oneOf, readFields, type Values } from './field.ts';

export type Kind = keyof typeof knobs;

export const kinds = Object.keys(knobs) as Kind[];

/** `{kind: 'latency', ms: 200}`: members as the table of knobs has them. */
export type Fault<K extends Kind = Kind> = {
  [P in K]: { readonly kind: P } & Values<(typeof knobs)[P]['fields']> & Limits;
}[K];

/** Throws a Misfit for what is no fault. */
export function readFault(json: unknown): Fault {
  if (!isObject(json)) throw new Misfit('It must be a JSON object.');
  const kind = oneOf('', kinds);
  let chosen: Kind;
  try {
    chosen = kind.read(json.kind);
  } catch (error) {
    throw error instanceof Misfit ? new Misfit(`"kind" ${error.message}`) : error;
  }
  return readFields({ kind, ...knobs[chosen].fields, ...limits }, json) as Fault;
}

/** The members that say which registries, replicas or requests a fault is about. */
interface Aim {
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  readonly registry?: string;
  readonly replica?: string;
  readonly location?: string;
  readonly methods?: readonly string[];
  readonly endpoints?: readonly string[];
}

/** Token requests must be asked for by name: trouble with ARM is not trouble with Entra. */
export function concernsRequest(aim: Aim, info: RequestInfo): boolean {
  const names = ['subscriptionId', 'resourceGroup', 'registry', 'replica'] as const;
  return (
    names.every((name) => aim[name] === undefined || same(aim[name], info[name])) &&
    (aim.methods?.includes(info.method) ?? true) &&
    (aim.endpoints?.includes(info.endpoint) ?? info.endpoint !== 'token')
  );
}

export function concernsRegistry(aim: Aim, { subscriptionId, resourceGroup, name }: RegistryReference): boolean {
  return (
    (aim.subscriptionId === undefined || same(aim.subscriptionId, subscriptionId)) &&
    (aim.resourceGroup === undefined || same(aim.resourceGroup, resourceGroup)) &&
    (aim.registry === undefined || same(aim.registry, name))
  );
}

/** `location` in ARM's short form. */
export function concernsReplica(aim: Aim, registry: RegistryReference, location: string): boolean {
  return concernsRegistry(aim, registry) && (aim.location === undefined || shortForm(aim.location) === location);
}

function same(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}
