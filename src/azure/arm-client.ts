// Implements Arm with Azure's SDK. It sends each request once and reads its first answer: it polls no operation and repeats nothing.
import {
  type ContainerRegistryManagementContext as Context,
  createContainerRegistryManagement,
} from '@azure/arm-containerregistry/api';
import * as registries from '@azure/arm-containerregistry/api/registries';
import * as replications from '@azure/arm-containerregistry/api/replications';
import {
  createPipelineFromOptions,
  createPipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Accepted, Arm, ArmError, ArmRequest, RegistryReference, Replica, ReplicaChange } from './arm.ts';
import {
  failureFrom,
  flatten,
  MalformedResponseError,
  parseLocations,
  parseRegistry,
  parseReplica,
} from './arm-responses.ts';
import { type Cloud, scopeOf } from './cloud.ts';
import { toArmError } from './errors.ts';
import { createHttpClient } from './http-client.ts';
import { type Credential, createTokenCache } from './identity/token-cache.ts';
import { OperationUrls } from './operation-urls.ts';
import type { RateLimiter } from './rate-limit/rate-limiter.ts';
import { armPolicy } from './request-policy.ts';
import { correlationIdOf } from './rest-error.ts';

export interface ArmOptions {
  readonly credential: Credential;
  readonly cloud: Cloud;
  /** The identity as part of a sentence. Default: the operator's identity. */
  readonly identityLabel?: string;
  /** Called once for each request that was sent or tried; must not throw. */
  readonly onRequest?: (request: ArmRequest) => void;
  /** Called right before each PUT, PATCH and DELETE is sent; when it throws, nothing is sent. */
  readonly beforeWrite?: () => void;
  /** Told of every request and its response; throws where one must not be sent. */
  readonly rateLimiter?: Pick<RateLimiter, 'send'>;
  /** Put before the SDK's own words in User-Agent, as `acr-replication-operator/0.1.0`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
}

/** Token included. The slowest synchronous answer on record took 6.3 s (azure-service-operator, recording of 2025-11-18). */
const requestTimeoutMs = 30_000;

/** The documented API version (Microsoft's REST reference, Subscriptions - List Locations). */
const locationsVersion = '2022-12-01';

/** A registry has at most one replica a region: a longer list is endless. */
const maxPages = 100;

export interface ArmClient extends Arm {
  /** Ends all connections, those in use included. */
  close(): void;
}

/** Keeps connections alive, and shares them among all subscriptions. */
export function createArmClient(options: ArmOptions): ArmClient {
  const { credential, cloud, beforeWrite, userAgent, clock = systemClock } = options;
  const httpClient = createHttpClient({ keepAlive: true, clock, ...(beforeWrite && { beforeWrite }) });
  const pipeline = createPipelineFromOptions({
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    ...(userAgent ? { userAgentOptions: { userAgentPrefix: userAgent } } : {}),
  });
  const tokens = createTokenCache(credential, scopeOf(cloud), clock);
  const origin = new URL(cloud.endpoint).origin;
  pipeline.addPolicy(armPolicy({ ...options, tokens, clock, origin, timeoutMs: requestTimeoutMs }));
  // One for all subscriptions: the SDK's client is made for one, and costs 100 kB for each.
  const anySubscription = createContainerRegistryManagement(credential, '', {
    endpoint: cloud.endpoint,
    pipeline,
    httpClient,
    ...(cloud.apiVersion && { apiVersion: cloud.apiVersion }),
  });

  const attempt: Connection['attempt'] = async (doing, send) => {
    try {
      return await send();
    } catch (error) {
      throw toArmError(error, doing, options.identityLabel);
    }
  };
  const connection: Connection = {
    endpoint: cloud.endpoint,
    attempt,
    call: (doing, of, send) =>
      attempt(doing, () => {
        const context = { ...anySubscription, subscriptionId: segment(of.subscriptionId) };
        return send(context, segment(of.resourceGroup), segment(of.name));
      }),
    async get(url) {
      const { bodyAsText } = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
      return bodyAsText ?? '';
    },
  };
  return { ...reads(connection), ...writes(connection), close: () => httpClient.close() };
}

interface Connection {
  readonly endpoint: string;
  /** Throws every error as an ArmError that says what was asked. */
  attempt<T>(doing: string, send: () => Promise<T>): Promise<T>;
  call<T>(doing: string, of: RegistryReference, send: Send<T>): Promise<T>;
  /** The body of a request that the SDK does not have. */
  get(url: string): Promise<string>;
}

type Send<T> = (context: Context, group: string, registry: string) => Promise<T>;

function reads({
  endpoint,
  attempt,
  call,
  get,
}: Connection): Pick<Arm, 'registry' | 'replicas' | 'replica' | 'locations'> {
  return {
    registry: (of) =>
      call(`read registry ${of.name}`, of, async (context, group, registry) =>
        parseRegistry(await registries.get(context, group, registry)),
      ),

    replicas: (of) =>
      call(`list the replicas of registry ${of.name}`, of, async (context, group, registry) => {
        const found: Replica[] = [];
        let pages = 0;
        for await (const page of replications.list(context, group, registry).byPage()) {
          if (++pages > maxPages) throw new MalformedResponseError(`the list goes on after ${maxPages} pages`);
          found.push(...page.map(parseReplica));
        }
        return found;
      }),

    replica: (of, name) =>
      call('read the replica', of, async (context, group, registry) =>
        parseReplica(await replications.get(context, group, registry, segment(name))),
      ),

    // The SDK has no such request: that would be another package, for one GET without parameters.
    locations: (subscriptionId) =>
      attempt(`list the regions of subscription ${subscriptionId}`, async () => {
        const path = `/subscriptions/${encodeURIComponent(segment(subscriptionId))}/locations`;
        return parseLocations(parsed(await get(`${endpoint}${path}?api-version=${locationsVersion}`)));
      }),
  };
}

function writes({ endpoint, attempt, call, get }: Connection): Pick<Arm, 'create' | 'update' | 'remove' | 'failure'> {
  const operationUrls = new OperationUrls(endpoint);
  return {
    create: (of, name, replica) =>
      call('create the replica', of, async (context, group, registry) => {
        const body = { location: replica.location, ...wireChange(replica) };
        const {
          body: answer,
          operation,
          ...accepted
        } = await firstAnswer((options) => replications.create(context, group, registry, segment(name), body, options));
        operationUrls.started(of, name, operation);
        return { replica: parseReplica(answer), ...accepted };
      }),

    update: (of, name, change) =>
      call('change the replica', of, async (context, group, registry) => {
        const { body, operation, correlationId } = await firstAnswer((options) =>
          replications.update(context, group, registry, segment(name), wireChange(change), options),
        );
        operationUrls.started(of, name, operation);
        return { replica: parseReplica(body), correlationId };
      }),

    remove: (of, name) =>
      call('delete the replica', of, async (context, group, registry) => {
        const { correlationId } = await firstAnswer((options) =>
          replications.$delete(context, group, registry, segment(name), options),
        );
        return { correlationId };
      }).catch(unlessGone),

    async failure(of, name) {
      const url = operationUrls.urlOf(of, name);
      if (url === undefined) return undefined;
      return attempt('read why the replica failed', async () => {
        const body = await get(url);
        operationUrls.forget(of, name);
        return failureFrom(parsed(body));
      }).catch((error: ArmError) => {
        if (error.kind !== 'NotSent') operationUrls.forget(of, name);
        throw error;
      });
    },
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new MalformedResponseError('the answer is no JSON');
  }
}

/** A DELETE of a replica that is already gone succeeds. */
function unlessGone(error: ArmError): Accepted {
  if (error.kind !== 'NotFound') throw error;
  return { correlationId: error.correlationId };
}

/** `regionEndpointEnabled: false` by omission took regions out of service elsewhere (terraform-provider-azurerm #30210). */
function wireChange({ routing, tags }: ReplicaChange): {
  regionEndpointEnabled?: boolean;
  tags?: Record<string, string>;
} {
  return {
    ...(routing === undefined ? {} : { regionEndpointEnabled: routing }),
    ...(tags === undefined ? {} : { tags: { ...tags } }),
  };
}

interface Submitting {
  submitted(): Promise<void>;
}

interface AnswerListener {
  onResponse: (response: Pick<PipelineResponse, 'headers' | 'request'> & { readonly parsedBody?: unknown }) => void;
}

interface FirstAnswer extends Accepted {
  readonly body: unknown;
  /** ms */
  readonly askAfter?: number;
  /** The URL of the operation's status. */
  readonly operation?: string | undefined;
}

/**
 * Sends the first request of a long-running operation and returns its answer. The SDK's poller is dropped: it polls only when
 * awaited (it is a thenable: it must never be returned from an async function), and has no timer until then (read in
 * @azure/core-lro 3). Its own result exists only once the operation has succeeded.
 */
async function firstAnswer(start: (options: AnswerListener) => Submitting): Promise<FirstAnswer> {
  let answer: FirstAnswer = { body: flatten(undefined), correlationId: undefined };
  await start({
    onResponse: ({ parsedBody, headers, request }) => {
      const seconds = /^\d{1,5}$/.exec(headers.get('retry-after')?.trim() ?? '')?.[0];
      answer = {
        body: flatten(parsedBody),
        correlationId: correlationIdOf({ headers, request }),
        operation: headers.get('azure-asyncoperation'),
        ...(seconds && { askAfter: Number(seconds) * 1_000 }),
      };
    },
  }).submitted();
  return answer;
}

/**
 * Returns the name if it stays one segment of a URL. The SDK encodes everything that could end a segment, but does not encode dots,
 * which URLs resolve; it drops an empty name, which makes a GET a LIST; and it cannot encode half a character.
 */
function segment(name: string): string {
  if (/[^.]/.test(name) && name.isWellFormed()) return name;
  throw new RestError(`${JSON.stringify(name)} is no name`, { statusCode: 400, code: 'InvalidName' });
}
