// The emulator's HTTP layer: routes, headers, status codes, and the order of ARM's checks (quota and journal around
// everything; then identity, api-version, resource). provider.ts holds the rules about resources.
//
// Not served because nothing here calls it: the generic /resources, PATCH of a registry, webhooks, usages and everything else
// of ACR; no ETags (recorded: ACR has none).
import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { RegistryReference } from '../../../src/azure/arm.ts';
import { denialFor } from './access.ts';
import { errorBody, operationBody, regionBody, registryBody, replicaBody } from './bodies.ts';
import type { Bindings, Connections } from './connection-faults.ts';
import { selectsRegistry } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import type { Journal } from './journal.ts';
import { gatewayPage, malform } from './malformed.ts';
import type { Operation } from './operation.ts';
import * as provider from './provider.ts';
import type { Quota, QuotaKind } from './quota.ts';
import * as refusal from './refusal.ts';
import { injectedErrorFor, type TransportFault, transportFaultsFor } from './request-faults.ts';
import { infoOf, type RequestInfo } from './request-info.ts';
import { readRegistryPut, readReplicaPatch, readReplicaPut, supportedApiVersions } from './requests.ts';
import { signedTail } from './signature.ts';
import type { Principal, Tenant } from './tokens.ts';
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

interface Env {
  Bindings: Bindings;
  Variables: { info: RequestInfo; principal: Principal; faultNames: string[]; hiddenStatus: number };
}

type ArmContext = Context<Env>;

const locations = '/subscriptions/:subscription/locations';
const operationResult =
  '/subscriptions/:subscription/providers/microsoft.containerregistry/locations/:location/operationresults/:operation';
const registriesOfSubscription = '/subscriptions/:subscription/providers/microsoft.containerregistry/registries';
const registriesOfGroup =
  '/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.containerregistry/registries';
const registry =
  '/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.containerregistry/registries/:registry';
const replicas = `${registry}/replications`;
const replica = `${replicas}/:replica`;
const operationStatus = `${replica}/operationstatuses/:operation`;

const json = { 'content-type': 'application/json; charset=utf-8' };

export function armApp({ world, faults, connections, tenant, quota, journal, pageSize }: Parts): Hono<Env> {
  // ARM's ids are case-insensitive, so routes match in lower case; `info` keeps the client's spelling.
  const app = new Hono<Env>({ getPath: (request) => new URL(request.url).pathname.toLowerCase() });

  app.use(async (c, next) => {
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
  });

  app.use('/subscriptions/*', async (c, next) => {
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
  });

  app.use(async (c, next) => {
    const refused = injectedErrorFor(faults, c.var.info);
    if (!refused) return next();
    c.var.faultNames.push(refused.name);
    if (refused.when === 'before') throw refused.refusal;
    await next();
    c.set('hiddenStatus', c.res.status);
    replaceResponse(c, respondRefusal(refused.refusal));
  });

  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) => {
    const requested = c.req.param('tenant');
    if (requested !== tenant.id.toLowerCase()) {
      const { status, body } = tenant.unknownTenant(requested);
      return respond(status, body);
    }
    return respond(200, tenant.metadata(originOf(c)));
  });

  app.post('/:tenant/oauth2/v2.0/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const { status, body } = tenant.token(c.req.param('tenant'), form);
    return respond(status, body, { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' });
  });

  app.use('/subscriptions/*', async (c, next) => {
    c.set('principal', principalOf(c, tenant));
    checkQuota(c);
    const denied = denialFor(faults, c.var.info, c.var.principal);
    if (denied) {
      c.var.faultNames.push(denied.name);
      throw denied.refusal;
    }
    await next();
  });

  app.get(locations, (c) => {
    checkVersion(c, undefined);
    const { subscriptionId = '' } = c.var.info;
    if (!world.hasSubscription(subscriptionId)) throw refusal.subscriptionNotFound(subscriptionId);
    return respond(200, { value: world.regions.map((region) => regionBody(subscriptionId, region)) });
  });

  app.use(`${registry}/*`, async (c, next) => {
    checkVersion(c, 'registries/replications');
    await next();
  });

  // The lists were not recorded: by Microsoft's REST reference (Registries - List, List By Resource Group; 2025-11-01).
  for (const path of [registriesOfSubscription, registriesOfGroup])
    app.get(path, (c) => {
      checkVersion(c, 'registries');
      const { subscriptionId = '', resourceGroup } = c.var.info;
      const all = provider.listRegistries(world, subscriptionId, resourceGroup);
      const start = offsetIn(c.req.query('$skipToken'));
      const end = start + pageSize;
      const value = all.slice(start, end).map((one) => registryBody(one, c.req.query('api-version')));
      return respond(200, { value, ...(end < all.length && { nextLink: nextLinkOf(c, end) }) });
    });

  app.get(registry, (c) =>
    respond(200, registryBody(provider.getRegistry(world, referenceOf(c)), c.req.query('api-version'))),
  );

  app.put(registry, async (c) => {
    const put = readRegistryPut(await c.req.text());
    return respond(200, registryBody(provider.putRegistry(world, referenceOf(c), put, callerOf(c))));
  });

  app.delete(registry, (c) => {
    const deleted = provider.deleteRegistry(world, referenceOf(c), callerOf(c));
    if (!deleted) return respondEmpty(204);
    return respond(202, registryBody(deleted.registry), resultHeaders(c, deleted.operation));
  });

  app.get(replicas, (c) => {
    const all = provider.listReplicas(world, referenceOf(c));
    const start = offsetIn(c.req.query('$skipToken'));
    const end = start + pageSize;
    const value = all.slice(start, end).map(replicaBody);
    const foreign = faults.consume('foreignNextLink', (fault) => selectsRegistry(fault, referenceOf(c)));
    if (foreign) c.var.faultNames.push(foreign.name);
    const nextLink = foreign || end < all.length ? nextLinkOf(c, end, foreign?.fault.origin) : undefined;
    // Recorded, and empty: ARM merges the answers of several regions into one list.
    return respond(200, { value, ...(nextLink && { nextLink }) }, { 'x-ms-original-request-ids': '' });
  });

  app.get(replica, (c) => respond(200, replicaBody(provider.getReplica(world, replicaOf(c)))));

  app.put(replica, async (c) => {
    const put = readReplicaPut(await c.req.text());
    return written(c, provider.putReplica(world, replicaOf(c), put, callerOf(c)));
  });

  app.patch(replica, async (c) => {
    const patch = readReplicaPatch(await c.req.text());
    return written(c, provider.patchReplica(world, replicaOf(c), patch, callerOf(c)));
  });

  app.delete(replica, (c) => {
    const operation = provider.deleteReplica(world, replicaOf(c), callerOf(c));
    return operation ? respondEmpty(202, resultHeaders(c, operation)) : respondEmpty(204);
  });

  app.get(operationStatus, (c) => {
    const operation = operationOf(c);
    return respond(200, operationBody(operation), statusHeaders(c, operation));
  });

  // Recorded: 202 with a newly signed Location while the operation runs, then 200 without one; both without a body.
  app.get(operationResult, (c) => {
    checkVersion(c, 'locations/operationResults');
    const operation = operationOf(c);
    return operation.outcome ? respondEmpty(200) : respondEmpty(202, resultHeaders(c, operation));
  });

  app.notFound((c) => {
    throw refusal.noSuchPath(new URL(c.req.url).pathname);
  });

  app.onError((error, c) => {
    if (!(error instanceof refusal.Refusal)) {
      console.error(`${c.req.method} ${new URL(c.req.url).pathname} broke the emulator:`, error);
      return respond(500, errorBody({ code: 'InternalServerError', message: String(error) }));
    }
    return respondRefusal(error);
  });

  async function unanswered(c: ArmContext, { kind }: Exclude<TransportFault, { kind: 'malformed' }>): Promise<void> {
    replaceResponse(c, await (kind === 'reset' ? connections.reset(c.env) : connections.hang(c.env)));
  }

  /** 201 with an operation to poll and no Location; 200 if nothing is left to do. Both recorded. */
  function written(c: ArmContext, { replica, operation }: provider.Written): Response {
    const headers = { 'api-supported-versions': supportedApiVersions.join(', ') };
    if (!operation) return respond(200, replicaBody(replica), headers);
    return respond(201, replicaBody(replica), { ...headers, ...statusHeaders(c, operation) });
  }

  /** Recorded: polled under the replica itself; each poll gets a newly signed URL. */
  function statusHeaders(c: ArmContext, { id, resourceId }: Operation): Record<string, string> {
    return {
      'azure-asyncoperation': signedUrl(c, `${resourceId}/operationStatuses/${id}`),
      'retry-after': String(world.timings.retryAfter),
    };
  }

  /** Recorded: polled under the subscription, in the replica's region. */
  function resultHeaders(c: ArmContext, { id, location }: Operation): Record<string, string> {
    const path = `/subscriptions/${c.var.info.subscriptionId}/providers/Microsoft.ContainerRegistry/locations/${location}/operationResults/${id}`;
    return { location: signedUrl(c, path), 'retry-after': String(world.timings.retryAfter) };
  }

  function signedUrl(c: ArmContext, path: string): string {
    return `${originOf(c)}${path}?api-version=${c.req.query('api-version')}&${signedTail(world.now)}`;
  }

  /** Nothing is awaited between this check and the spending of the token, so that two requests cannot share one token. */
  function checkQuota(c: ArmContext): void {
    const { subscriptionId = '' } = c.var.info;
    const { objectId } = c.var.principal;
    const spending = quotaKindOf(c.req.method);
    const retryAfter = quota.retryAfterSeconds(subscriptionId, objectId, spending, world.now);
    if (retryAfter !== undefined) throw refusal.quotaExceeded(subscriptionId, objectId, spending, retryAfter);
  }

  function operationOf(c: ArmContext): Operation {
    const id = c.req.param('operation') ?? '';
    const operation = provider.findOperation(world, id);
    if (!operation) throw refusal.operationNotFound(id);
    return operation;
  }

  return app;
}

function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...json, ...headers } });
}

function respondRefusal({ details }: refusal.Refusal): Response {
  const { status, retryAfter, html } = details;
  const headers = {
    ...details.headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  };
  if (!html) return respond(status, errorBody(details), headers);
  return new Response(gatewayPage, { status, headers: { 'content-type': 'text/html', ...headers } });
}

function respondEmpty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers });
}

/** Resets first: Hono copies the headers of the previous response to the new one. */
function replaceResponse(c: ArmContext, response: Response): void {
  c.res = undefined;
  c.res = response;
}

/** Adds missing headers only: a refusal that a test has chosen keeps its own. */
function addMissingHeaders(c: ArmContext, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
}

/** The origin that the client used: operation URLs and nextLinks must lead back to it. */
function originOf(c: ArmContext): string {
  return new URL(c.req.url).origin;
}

function referenceOf({ var: { info } }: ArmContext): RegistryReference {
  const { subscriptionId = '', resourceGroup = '', registry: name = '' } = info;
  return { subscriptionId, resourceGroup, name };
}

function replicaOf(c: ArmContext): provider.ReplicaReference {
  return { registry: referenceOf(c), name: c.var.info.replica ?? '' };
}

function callerOf(c: ArmContext): provider.Caller {
  return {
    author: { id: c.var.principal.clientId, type: 'Application' },
    requestId: /^[\w-]{1,64}$/.exec(c.req.header('x-ms-client-request-id') ?? '')?.[0] ?? randomUUID(),
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

/** Without a type, any version is accepted: the list of locations has versions of its own. */
function checkVersion(c: ArmContext, type: string | undefined): void {
  const version = c.req.query('api-version');
  if (!version) throw refusal.missingApiVersion();
  if (type && !supportedApiVersions.includes(version)) {
    throw refusal.unsupportedApiVersion(version, type, supportedApiVersions);
  }
}

function quotaKindOf(method: string): QuotaKind {
  if (method === 'DELETE') return 'deletes';
  return method === 'PUT' || method === 'PATCH' ? 'writes' : 'reads';
}

/** Recorded: Azure/azure-cli (2026-09-10) and Azure/azure-powershell (2025-09-09). */
function armHeaders(c: ArmContext): Record<string, string> {
  const id = c.req.header('x-ms-client-request-id');
  const returned = c.req.header('x-ms-return-client-request-id')?.toLowerCase() === 'true';
  return {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-ms-request-id': randomUUID(),
    'x-ms-correlation-request-id': randomUUID(),
    ...(returned && id && { 'x-ms-client-request-id': id }),
  };
}

/** The offset in a skip token, which is opaque to clients. */
function offsetIn(token: string | undefined): number {
  if (token === undefined) return 0;
  const start = Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(start) || start < 0) throw refusal.invalidSkipToken(token);
  return start;
}

function nextLinkOf(c: ArmContext, start: number, origin = originOf(c)): string {
  const { pathname, search } = new URL(c.req.url);
  const url = new URL(pathname + search, origin);
  url.searchParams.set('$skipToken', Buffer.from(String(start)).toString('base64url'));
  return url.href;
}
