// A fault as a JSON value: its kind, its settings and what it applies to.
import type { RegistryReference } from '../../../../src/azure/arm.ts';
import { shortForm } from '../regions.ts';
import type { RequestInfo } from '../request-info.ts';
import { faultCatalog, type Limits, limits } from './fault-catalog.ts';
import { InvalidInput, isObject, oneOf, readFields, type Values } from './field.ts';

export type Kind = keyof typeof faultCatalog;

export const kinds = Object.keys(faultCatalog) as Kind[];

/** `{kind: 'latency', ms: 200}`, with the members of the catalog. */
export type Fault<K extends Kind = Kind> = {
  [P in K]: { readonly kind: P } & Values<(typeof faultCatalog)[P]['fields']> & Limits;
}[K];

/** Throws InvalidInput if `json` is not a fault. */
export function readFault(json: unknown): Fault {
  if (!isObject(json)) throw new InvalidInput('It must be a JSON object.');
  const kind = oneOf('', kinds);
  let chosen: Kind;
  try {
    chosen = kind.read(json.kind);
  } catch (error) {
    throw error instanceof InvalidInput ? new InvalidInput(`"kind" ${error.message}`) : error;
  }
  return readFields({ kind, ...faultCatalog[chosen].fields, ...limits }, json) as Fault;
}

/** The members that select registries, replicas or requests. */
interface Selector {
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  readonly registry?: string;
  readonly replica?: string;
  readonly location?: string;
  readonly methods?: readonly string[];
  readonly endpoints?: readonly string[];
}

/** Token requests must be selected explicitly: a fault of ARM is not a fault of Entra. */
export function selectsRequest(aim: Selector, info: RequestInfo): boolean {
  const names = ['subscriptionId', 'resourceGroup', 'registry', 'replica'] as const;
  return (
    names.every((name) => aim[name] === undefined || same(aim[name], info[name])) &&
    (aim.methods?.includes(info.method) ?? true) &&
    (aim.endpoints?.includes(info.endpoint) ?? info.endpoint !== 'token')
  );
}

export function selectsRegistry(aim: Selector, { subscriptionId, resourceGroup, name }: RegistryReference): boolean {
  return (
    (aim.subscriptionId === undefined || same(aim.subscriptionId, subscriptionId)) &&
    (aim.resourceGroup === undefined || same(aim.resourceGroup, resourceGroup)) &&
    (aim.registry === undefined || same(aim.registry, name))
  );
}

/** `location` in ARM's short form. */
export function selectsReplica(aim: Selector, registry: RegistryReference, location: string): boolean {
  return selectsRegistry(aim, registry) && (aim.location === undefined || shortForm(aim.location) === location);
}

function same(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}
