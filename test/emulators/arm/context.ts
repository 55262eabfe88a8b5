// What the emulator's handlers share: its parts, Hono's context, and what a request names.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { RegistryReference } from '../../../src/azure/arm.ts';
import type { Bindings, Connections } from './connection-faults.ts';
import type { Faults } from './faults/faults.ts';
import type { Journal } from './journal.ts';
import type { Caller, ReplicaReference } from './provider.ts';
import type { Quota } from './quota.ts';
import type { RequestInfo } from './request-info.ts';
import type { Principal, Proof, Tenant } from './tokens.ts';
import type { World } from './world.ts';

export interface Parts {
  readonly world: World;
  readonly faults: Faults;
  readonly connections: Connections;
  readonly tenant: Tenant;
  readonly quota: Quota;
  readonly journal: Journal;
  /** Replicas per page of LIST; ARM's own number was not recorded. */
  readonly pageSize: number;
}

export interface Env {
  Bindings: Bindings;
  Variables: {
    info: RequestInfo;
    principal: Principal;
    proof: Proof['kind'] | undefined;
    faultNames: string[];
    hiddenStatus: number;
  };
}

export type ArmContext = Context<Env>;

/** The origin that the client used: operation URLs and nextLinks must lead back to it. */
export function originOf(c: ArmContext): string {
  return new URL(c.req.url).origin;
}

export function referenceOf({ var: { info } }: ArmContext): RegistryReference {
  const { subscriptionId = '', resourceGroup = '', registry: name = '' } = info;
  return { subscriptionId, resourceGroup, name };
}

export function replicaOf(c: ArmContext): ReplicaReference {
  return { registry: referenceOf(c), name: c.var.info.replica ?? '' };
}

export function callerOf(c: ArmContext): Caller {
  return {
    author: { id: c.var.principal.clientId, type: 'Application' },
    requestId: /^[\w-]{1,64}$/.exec(c.req.header('x-ms-client-request-id') ?? '')?.[0] ?? randomUUID(),
  };
}
