// Routes a request of the API server: authenticates it, reads its body, runs its verb and sends the response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../../access.ts';
import { type ApplyOptions, apply } from './apply.ts';
import { accessOf } from './audit.ts';
import type { Cluster } from './cluster.ts';
import { serverVersion } from './discovery.ts';
import { documentAt, isPlainNotFound } from './documents.ts';
import type { Json, KubeObject } from './object.ts';
import { pathsOf } from './openapi.ts';
import { openApiV2, openApiV2Type } from './openapi-v2.ts';
import { deleteOptions, readPatch, writeOptions } from './options.ts';
import { isReadFromProtobuf, objectFromProtobuf, protobufType } from './protobuf-objects.ts';
import { list, selection } from './reads.ts';
import { acceptedForm, type Representation, representationFor } from './representation.ts';
import { mediaType, readBody, readObject, resourcePath } from './request.ts';
import type { Resource } from './resource.ts';
import { type Directory, review, reviewKindAt } from './reviews.ts';
import {
  ApiError,
  internal,
  methodNotAllowed,
  notAcceptable,
  notPermitted,
  type Status,
  unauthorized,
  unknownPath,
} from './status.ts';
import type { TokenIssuer } from './token-issuer.ts';
import { watch } from './watch.ts';
import { checkNamespace, create, existing, patch, remove, type Subresource, type Target, update } from './writes.ts';

export interface Settings extends Directory {
  readonly cluster: Cluster;
  readonly tokens: TokenIssuer;
  /** Called for each request for a resource, before it is answered; false refuses it. */
  authorize(user: string, access: Access): boolean;
  goneAs(): 'event' | 'status';
}

/** Served without a token, as a cluster's default roles allow. */
const publicPaths = new Set(['/version', '/healthz', '/livez', '/readyz']);

/** Never rejects: every error is sent as a Status. */
export async function handle(settings: Settings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Set explicitly so that Node does not announce a keep-alive timeout: undici would keep each connection for that long,
  // and client-node, which opens one per request, would run out of sockets. kube-apiserver announces none either.
  if (request.headers.connection !== 'close') response.setHeader('Connection', 'keep-alive');
  try {
    await route(settings, request, response);
  } catch (error) {
    const { status } = error instanceof ApiError ? error : internal(`${error instanceof Error ? error.stack : error}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (status.code === 413) response.setHeader('Connection', 'close');
    if (status.details?.retryAfterSeconds !== undefined) {
      response.setHeader('Retry-After', String(status.details.retryAfterSeconds));
    }
    sendText(response, status.code, JSON.stringify(status));
  }
}

async function route(settings: Settings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { cluster, users } = settings;
  const url = new URL(request.url ?? '/', 'https://localhost');
  const path = url.pathname.replace(/(.)\/+$/, '$1');
  const user = users.get(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
  if (!publicPaths.has(path) && user === undefined) throw unauthorized();
  const named = resourcePath(path);
  if (named && user !== undefined) {
    const access = accessOf(request.method ?? '', named, url.searchParams);
    if (!settings.authorize(user, access)) throw notPermitted(user, access);
  }
  const reviewed = named && reviewKindAt(named);
  if (reviewed) {
    const answer = review(reviewed, request.method, await readObject(request), settings);
    sendText(response, 201, JSON.stringify(answer));
    return;
  }
  const resource = named && cluster.resource(named.group, named.version, named.plural);
  if (named && resource) {
    const target = { resource, namespace: named.namespace };
    if (resource.hasTokens && named.subresource === 'token' && named.name !== undefined) {
      await onToken(settings, target, named.name, request, response);
      return;
    }
    const subresource = checkedSubresource(target, named.subresource);
    if (resource.namespaced && named.name !== undefined && named.namespace === undefined) throw unknownPath();
    if (!resource.namespaced && named.namespace !== undefined) throw unknownPath();
    const context = { ...settings, request, response, query: url.searchParams, target };
    if (named.name === undefined) await onCollection(context);
    else await onObject(context, named.name, subresource);
    return;
  }
  if (path === '/healthz' || path === '/livez' || path === '/readyz') {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end('ok');
    return;
  }
  if (path === '/openapi/v2') {
    sendOpenApiV2(cluster, request, response);
    return;
  }
  const document = documentAt(cluster.resources, path, request.headers.host ?? '');
  if (!document && isPlainNotFound(cluster.resources, path)) {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
    return;
  }
  if (!document) throw unknownPath();
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  sendText(response, 200, JSON.stringify(document));
}

function sendOpenApiV2(cluster: Cluster, request: IncomingMessage, response: ServerResponse): void {
  if (!/proto-openapi|\*\/\*/.test(request.headers.accept ?? '*/*')) throw notAcceptable([openApiV2Type]);
  const document = openApiV2(pathsOf(cluster.resources), serverVersion.gitVersion);
  // The requested type is not a valid media type; kube-apiserver does not send it back either.
  response
    .writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': document.length })
    .end(document);
}

function checkedSubresource({ resource }: Target, subresource: string | undefined): Subresource {
  if (subresource === undefined) return undefined;
  if (subresource !== 'status' || !resource.hasStatus) throw unknownPath();
  return 'status';
}

async function onToken(
  { tokens, cluster }: Settings,
  target: Target,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') throw methodNotAllowed();
  const body = await readObject(request);
  checkNamespace(cluster, target, name);
  sendText(response, 201, JSON.stringify(tokens.answer(existing(target, name), body ?? null)));
}

interface Context extends Settings {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly target: Target;
}

async function onCollection(context: Context): Promise<void> {
  const { cluster, request, response, query, target, goneAs } = context;
  switch (request.method) {
    case 'GET': {
      const representation = representationOf(context);
      if (isTrue(query.get('watch'))) {
        watch(
          { store: cluster.store, clock: cluster.clock, target, query, representation, goneAs: goneAs() },
          response,
        );
        return;
      }
      const { objects, metadata } = list(cluster.store, target, query);
      sendText(response, 200, representation.list(objects, metadata));
      return;
    }
    case 'POST': {
      if (target.resource.namespaced && target.namespace === undefined) throw methodNotAllowed();
      const body = await readNewObject(request, target.resource);
      const options = optionsOf(context, 'CreateOptions');
      sendObject(context, 201, create(cluster, target, body ?? null, options));
      return;
    }
    case 'DELETE': {
      await readObject(request);
      const includes = selection(target, query);
      const { dryRun } = optionsOf(context, 'DeleteOptions');
      const { objects, metadata } = list(cluster.store, target, query);
      for (const { metadata } of objects.filter(includes)) {
        const { namespace, name } = metadata;
        remove(cluster, { resource: target.resource, namespace }, name, {}, dryRun);
      }
      sendText(response, 200, representationOf(context).list(objects, metadata));
      return;
    }
    default:
      throw methodNotAllowed();
  }
}

/** `kubectl create namespace` and `kubectl create configmap` of 1.33 send protobuf only. */
async function readNewObject(request: IncomingMessage, { kind, origin }: Resource): Promise<Json | undefined> {
  if (mediaType(request) !== protobufType || origin !== 'built-in' || !isReadFromProtobuf(kind)) {
    return readObject(request);
  }
  return objectFromProtobuf(kind, await readBody(request));
}

async function onObject(context: Context, name: string, subresource: Subresource): Promise<void> {
  const { cluster, request, query, target } = context;
  switch (request.method) {
    case 'GET':
      if (isTrue(query.get('watch')) && subresource === undefined) {
        // The deprecated way to watch one object.
        query.set('fieldSelector', `metadata.name=${name}`);
        await onCollection(context);
        return;
      }
      sendText(context.response, 200, representationOf(context).one(existing(target, name)));
      return;
    case 'PUT': {
      const body = await readObject(request);
      const options = optionsOf(context, 'UpdateOptions');
      const { object, isNew } = update(cluster, target, name, subresource, body ?? null, options);
      sendObject(context, isNew ? 201 : 200, object);
      return;
    }
    case 'PATCH': {
      const body = await readPatch(request, target.resource, query);
      const options = optionsOf(context, 'PatchOptions');
      if (body.type === 'apply') {
        const { object, isNew } = apply(cluster, { target, name, subresource }, body.config, options);
        sendObject(context, isNew ? 201 : 200, object);
      } else {
        sendObject(context, 200, patch(cluster, target, name, subresource, body, options));
      }
      return;
    }
    case 'DELETE': {
      if (subresource !== undefined) throw methodNotAllowed();
      const options = deleteOptions((await readObject(request)) ?? {}, query);
      const { dryRun } = optionsOf(context, 'DeleteOptions');
      const outcome = remove(cluster, target, name, options, dryRun || options.dryRun);
      if (isStatus(outcome)) sendText(context.response, 200, JSON.stringify(outcome));
      else sendObject(context, 200, outcome);
      return;
    }
    default:
      throw methodNotAllowed();
  }
}

const isTrue = (text: string | null) => text === 'true' || text === '1';

const isStatus = (outcome: KubeObject | Status): outcome is Status => outcome.kind === 'Status';

function representationOf({ target, request, query, cluster }: Context): Representation {
  return representationFor({
    resource: target.resource,
    accept: request.headers.accept ?? '',
    includeObject: query.get('includeObject') ?? '',
    now: () => cluster.clock.now(),
  });
}

function optionsOf({ query, request, response }: Context, kind: string): ApplyOptions {
  const warn = (message: string) => {
    // Only characters that a header may carry.
    const text = message.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&');
    response.appendHeader('Warning', `299 - "${text}"`);
  };
  return writeOptions({ query, request, warn }, kind);
}

/** A written object in the requested version; only `get` renders Tables. */
function sendObject(context: Context, code: number, object: KubeObject): void {
  const { response, request } = context;
  if (acceptedForm(request.headers.accept ?? '') === 'objects') sendText(response, code, JSON.stringify(object));
  else sendText(response, code, representationOf(context).one(context.target.resource.toStored(object)));
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response
    .writeHead(code, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-cache, private',
      'Content-Length': Buffer.byteLength(text),
    })
    .end(text);
}
