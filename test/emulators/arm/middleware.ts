// What happens to each request around its handler: the journal and the faults of the wire, ARM's headers and quota, chosen
// errors, and the caller's identity and rights.
import type { MiddlewareHandler } from 'hono';
import { denialFor } from './access.ts';
import { type ArmContext, type Env, originOf, type Parts } from './context.ts';
import { malform } from './malformed.ts';
import type { QuotaKind } from './quota.ts';
import * as refusal from './refusal.ts';
import { injectedErrorFor, type TransportFault, transportFaultsFor } from './request-faults.ts';
import { infoOf } from './request-info.ts';
import { addMissingHeaders, armHeaders, replaceResponse, respondRefusal } from './responses.ts';
import type { Principal, Tenant } from './tokens.ts';

type Middleware = MiddlewareHandler<Env>;

/** Describes the request for later handlers, journals it, and applies latency, resets, hangs and malformed bodies. */
export function journalAndTransport({ world, faults, connections, journal }: Parts): Middleware {
  async function unanswered(c: ArmContext, { kind }: Exclude<TransportFault, { kind: 'malformed' }>): Promise<void> {
    replaceResponse(c, await (kind === 'reset' ? connections.reset(c.env) : connections.hang(c.env)));
  }

  return async (c, next) => {
    const at = world.clock.now();
    const arrival = process.hrtime.bigint();
    const { method } = c.req;
    const writes = method === 'PUT' || method === 'PATCH';
    const info = infoOf(method, new URL(c.req.url).pathname, writes ? await c.req.text() : undefined);
    c.set('info', info);
    const { latencyMs, fault, names } = transportFaultsFor(faults, info);
    c.set('faultNames', [...names]);
    const record = (status: number, hidden?: number) => {
      const duration = Number(process.hrtime.bigint() - arrival) / 1e6;
      const principal: Principal | undefined = c.var.principal; // unset when the request was refused before its token was read
      journal.record({
        ...info,
        ...(principal && { clientId: principal.clientId }),
        ...(c.var.proof && { proof: c.var.proof }),
        at,
        arrival,
        status,
        ...(c.error instanceof refusal.Refusal && { code: c.error.details.code }),
        ...(hidden && { hidden }),
        ...(c.var.faultNames.length > 0 && { faults: c.var.faultNames }),
        duration,
      });
    };
    if (latencyMs > 0) await new Promise<void>((resolve) => world.clock.after(latencyMs, resolve));
    if (fault && fault.kind !== 'malformed' && fault.when === 'before') {
      record(0);
      return unanswered(c, fault);
    }
    await next();
    const { status } = c.res;
    if (!fault) return record(status, c.var.hiddenStatus);
    if (fault.kind !== 'malformed') {
      record(0, c.var.hiddenStatus ?? status);
      return unanswered(c, fault);
    }
    record(status, c.var.hiddenStatus);
    const { response, ending } = await malform(c.res, fault);
    replaceResponse(c, ending ? await connections.truncate(c.env, response, ending) : response);
  };
}

/** Adds ARM's headers to the response, and charges the request to the caller's quota. */
export function headersAndQuota({ world, quota }: Parts): Middleware {
  return async (c, next) => {
    await next();
    addMissingHeaders(c, armHeaders(c));
    // Recorded for 404 (ASO, 2025-11-18): an answer of the front end itself costs no quota and shows none.
    // The same holds for a 429 of the quota itself.
    if (c.error instanceof refusal.Refusal && c.error.details.gateway) {
      addMissingHeaders(c, { 'x-ms-failure-cause': 'gateway' });
      return;
    }
    const { subscriptionId = '' } = c.var.info;
    addMissingHeaders(
      c,
      quota.takeToken(subscriptionId, c.var.principal?.objectId ?? '', quotaKindOf(c.req.method), world.now),
    );
  };
}

/** Answers with an error that a fault has chosen, before or after the request is carried out. */
export function injectedErrors({ faults }: Parts): Middleware {
  return async (c, next) => {
    const refused = injectedErrorFor(faults, c.var.info);
    if (!refused) return next();
    c.var.faultNames.push(refused.name);
    if (refused.when === 'before') throw refused.refusal;
    await next();
    c.set('hiddenStatus', c.res.status);
    replaceResponse(c, respondRefusal(refused.refusal));
  };
}

/** Checks the token, the quota, and the caller's rights, in ARM's order. */
export function callersRights({ world, faults, tenant, quota }: Parts): Middleware {
  /** Nothing is awaited between this check and the spending of the token, so that two requests cannot share one token. */
  function checkQuota(c: ArmContext): void {
    const { subscriptionId = '' } = c.var.info;
    const { objectId } = c.var.principal;
    const spending = quotaKindOf(c.req.method);
    const retryAfter = quota.retryAfterSeconds(subscriptionId, objectId, spending, world.now);
    if (retryAfter !== undefined) throw refusal.quotaExceeded(subscriptionId, objectId, spending, retryAfter);
  }

  return async (c, next) => {
    c.set('principal', principalOf(c, tenant));
    checkQuota(c);
    const denied = denialFor(faults, c.var.info, c.var.principal);
    if (denied) {
      c.var.faultNames.push(denied.name);
      throw denied.refusal;
    }
    await next();
  };
}

function principalOf(c: ArmContext, tenant: Tenant): Principal {
  const authority = `${originOf(c)}/${tenant.id}`;
  const token = /^Bearer (?<token>\S+)$/i.exec(c.req.header('authorization') ?? '')?.groups?.token;
  if (token === undefined) {
    throw refusal.unauthenticated(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing or has an invalid format.",
      authority,
    );
  }
  const verdict = tenant.verify(token);
  switch (verdict.kind) {
    case 'valid':
      return verdict.principal;
    case 'malformed':
      throw refusal.unauthenticated('InvalidAuthenticationToken', 'The access token is invalid.', authority);
    case 'expired':
      throw refusal.unauthenticated('ExpiredAuthenticationToken', 'The access token has expired.', authority);
    case 'wrongAudience':
      throw refusal.unauthenticated(
        'InvalidAuthenticationTokenAudience',
        'The access token has been obtained for the wrong audience or resource.',
        authority,
      );
    default:
      return verdict satisfies never;
  }
}

function quotaKindOf(method: string): QuotaKind {
  if (method === 'DELETE') return 'deletes';
  return method === 'PUT' || method === 'PATCH' ? 'writes' : 'reads';
}
