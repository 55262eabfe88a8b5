// The emulator's routes: Entra's endpoints, subscriptions, their regions and registries, replicas, and the operations on them.
// provider.ts holds the rules about resources.
//
// Not served because nothing here calls it: the generic /resources, PATCH of a registry, webhooks, usages and everything else
// of ACR; no ETags (recorded: ACR has none).
import type { Hono } from 'hono';
import { operationBody, regionBody, registryBody, replicaBody, subscriptionBody } from './bodies.ts';
import { type ArmContext, callerOf, type Env, originOf, type Parts, referenceOf, replicaOf } from './context.ts';
import { selectsRegistry } from './faults/fault.ts';
import type { Operation } from './operation.ts';
import * as provider from './provider.ts';
import * as refusal from './refusal.ts';
import { readRegistryPut, readReplicaPatch, readReplicaPut, supportedApiVersions } from './requests.ts';
import { respond, respondEmpty } from './responses.ts';
import { signedTail } from './signature.ts';
import { proofOf } from './tokens.ts';
import type { World } from './world.ts';

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

export function addTokenRoutes(app: Hono<Env>, { tenant }: Parts): void {
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) => {
    const requested = c.req.param('tenant');
    if (requested !== tenant.id.toLowerCase()) {
      const { status, body } = tenant.unknownTenant(requested);
      return respond(status, body);
    }
    return respond(200, tenant.metadata(originOf(c)));
  });

  // Where AD FS has it. azure-cli asks Entra's public endpoint about a host that it does not know, unless that has AD FS.
  app.get('/adfs/.well-known/openid-configuration', (c) => respond(200, tenant.metadata(originOf(c))));

  app.post('/:tenant/oauth2/v2.0/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    c.set('proof', proofOf(form)?.kind);
    const { status, body } = tenant.token(c.req.param('tenant'), form);
    return respond(status, body, { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' });
  });
}

export function addResourceRoutes(app: Hono<Env>, parts: Parts): void {
  addSubscriptionRoutes(app, parts);
  app.use(`${registry}/*`, async (c, next) => {
    checkVersion(c, 'registries/replications');
    await next();
  });
  addRegistryRoutes(app, parts);
  addReplicaRoutes(app, parts);
  addOperationRoutes(app, parts);
}

function addSubscriptionRoutes(app: Hono<Env>, { world, tenant }: Parts): void {
  app.get('/subscriptions', (c) => {
    checkVersion(c, undefined);
    return respond(200, { value: world.subscriptions.map((id) => subscriptionBody(id, tenant.id)) });
  });

  app.get(locations, (c) => {
    checkVersion(c, undefined);
    const { subscriptionId = '' } = c.var.info;
    if (!world.hasSubscription(subscriptionId)) throw refusal.subscriptionNotFound(subscriptionId);
    return respond(200, { value: world.regions.map((region) => regionBody(subscriptionId, region)) });
  });
}

function addRegistryRoutes(app: Hono<Env>, { world, pageSize }: Parts): void {
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
    return respond(202, registryBody(deleted.registry), resultHeaders(c, world, deleted.operation));
  });
}

function addReplicaRoutes(app: Hono<Env>, { world, faults, pageSize }: Parts): void {
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
    return written(c, world, provider.putReplica(world, replicaOf(c), put, callerOf(c)));
  });

  app.patch(replica, async (c) => {
    const patch = readReplicaPatch(await c.req.text());
    return written(c, world, provider.patchReplica(world, replicaOf(c), patch, callerOf(c)));
  });

  app.delete(replica, (c) => {
    const operation = provider.deleteReplica(world, replicaOf(c), callerOf(c));
    return operation ? respondEmpty(202, resultHeaders(c, world, operation)) : respondEmpty(204);
  });
}

function addOperationRoutes(app: Hono<Env>, { world }: Parts): void {
  app.get(operationStatus, (c) => {
    const operation = operationOf(c, world);
    return respond(200, operationBody(operation), statusHeaders(c, world, operation));
  });

  // Recorded: 202 with a newly signed Location while the operation runs, then 200 without one; both without a body.
  app.get(operationResult, (c) => {
    checkVersion(c, 'locations/operationResults');
    const operation = operationOf(c, world);
    return operation.outcome ? respondEmpty(200) : respondEmpty(202, resultHeaders(c, world, operation));
  });
}

/** 201 with an operation to poll and no Location; 200 if nothing is left to do. Both recorded. */
function written(c: ArmContext, world: World, { replica, operation }: provider.Written): Response {
  const headers = { 'api-supported-versions': supportedApiVersions.join(', ') };
  if (!operation) return respond(200, replicaBody(replica), headers);
  return respond(201, replicaBody(replica), { ...headers, ...statusHeaders(c, world, operation) });
}

/** Recorded: polled under the replica itself; each poll gets a newly signed URL. */
function statusHeaders(c: ArmContext, world: World, { id, resourceId }: Operation): Record<string, string> {
  return {
    'azure-asyncoperation': signedUrl(c, world, `${resourceId}/operationStatuses/${id}`),
    'retry-after': String(world.timings.retryAfter),
  };
}

/** Recorded: polled under the subscription, in the replica's region. */
function resultHeaders(c: ArmContext, world: World, { id, location }: Operation): Record<string, string> {
  const path = `/subscriptions/${c.var.info.subscriptionId}/providers/Microsoft.ContainerRegistry/locations/${location}/operationResults/${id}`;
  return { location: signedUrl(c, world, path), 'retry-after': String(world.timings.retryAfter) };
}

function signedUrl(c: ArmContext, world: World, path: string): string {
  return `${originOf(c)}${path}?api-version=${c.req.query('api-version')}&${signedTail(world.now)}`;
}

function operationOf(c: ArmContext, world: World): Operation {
  const id = c.req.param('operation') ?? '';
  const operation = provider.findOperation(world, id);
  if (!operation) throw refusal.operationNotFound(id);
  return operation;
}

/** Without a type, any version is accepted: subscriptions and their locations have versions of their own. */
function checkVersion(c: ArmContext, type: string | undefined): void {
  const version = c.req.query('api-version');
  if (!version) throw refusal.missingApiVersion();
  if (type && !supportedApiVersions.includes(version)) {
    throw refusal.unsupportedApiVersion(version, type, supportedApiVersions);
  }
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
