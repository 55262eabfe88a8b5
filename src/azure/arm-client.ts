// Arm over Azure's SDK: builds requests, sends each exactly once, and reads the first answer. It never polls an operation, never
// retries and never sleeps: when to look again is the reconciler's business.
import {
  type ContainerRegistryManagementContext as Context,
  createContainerRegistryManagement,
} from '@azure/arm-containerregistry/api';
import * as registries from '@azure/arm-containerregistry/api/registries';
import * as replications from '@azure/arm-containerregistry/api/replications';
import { createPipelineFromOptions, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { type Clock, systemClock } from '../lib/clock.ts';
import {
  type Arm,
  ArmError,
  type ArmRequest,
  type RegistryReference,
  type Replica,
  type ReplicaChange,
} from './arm.ts';
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
import { Operations } from './operations.ts';
import type { RateLimiter } from './rate-limit/rate-limiter.ts';
import { armPolicy } from './request-policy.ts';

export interface ArmOptions {
  readonly credential: Credential;
  readonly cloud: Cloud;
  /** Who asks, as part of a sentence: the operator's identity, where left out. */
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

/** ms, token included. The slowest synchronous answer on record took 6.3 s (azure-service-operator, recording of 2025-11-18). */
const requestTimeout = 30_000;

/** The documented one (Microsoft's REST reference, Subscriptions - List Locations). */
const locationsVersion = '2022-12-01';

/** A registry has at most one replica a region: a list of more pages than this has no end. */
const mostPages = 100;

export interface ArmClient extends Arm {
  /** Ends all connections, those in use included. */
  close(): void;
}

/** Keeps connections alive, and shares them among all subscriptions. */
export function createArmClient(options: ArmOptions): ArmClient {
  const {
    credential,
    cloud,
    identityLabel,
    onRequest,
    beforeWrite,
    rateLimiter,
    userAgent,
    clock = systemClock,
  } = options;
  const tokens = createTokenCache(credential, scopeOf(cloud), clock);
  const httpClient = createHttpClient({ keepAlive: true, ...(beforeWrite && { beforeWrite }) });
  const pipeline = createPipelineFromOptions({
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    ...(userAgent ? { userAgentOptions: { userAgentPrefix: userAgent } } : {}),
  });
  pipeline.addPolicy(
    armPolicy({
      tokens,
      clock,
      origin: new URL(cloud.endpoint).origin,
      timeout: requestTimeout,
      ...(onRequest && { onRequest }),
      ...(beforeWrite && { beforeWrite }),
      ...(rateLimiter && { rateLimiter }),
    }),
  );
  // One for all subscriptions: the SDK's client is made for one, and costs 100 kB for each.
  const anySubscription = createContainerRegistryManagement(credential, '', {
    endpoint: cloud.endpoint,
    pipeline,
    httpClient,
    ...(cloud.apiVersion && { apiVersion: cloud.apiVersion }),
  });
  const operations = new Operations(cloud.endpoint);

  /** Whatever goes wrong inside becomes an ArmError that says what was asked. */
  async function call<T>(doing: string, of: RegistryReference, send: Send<T>): Promise<T> {
    try {
      const context = { ...anySubscription, subscriptionId: segment(of.subscriptionId) };
      return await send(context, segment(of.resourceGroup), segment(of.name));
    } catch (error) {
      throw toArmError(error, doing, identityLabel);
    }
  }

  return {
    close: () => httpClient.close(),

    registry: (of) =>
      call(`read registry ${of.name}`, of, async (context, group, registry) =>
        parseRegistry(await registries.get(context, group, registry)),
      ),

    replicas: (of) =>
      call(`list the replicas of registry ${of.name}`, of, async (context, group, registry) => {
        const found: Replica[] = [];
        let pages = 0;
        for await (const page of replications.list(context, group, registry).byPage()) {
          if (++pages > mostPages) throw new MalformedResponseError(`the list goes on after ${mostPages} pages`);
          found.push(...page.map(parseReplica));
        }
        return found;
      }),

    replica: (of, name) =>
      call(`read replica ${name} of registry ${of.name}`, of, async (context, group, registry) =>
        parseReplica(await replications.get(context, group, registry, segment(name))),
      ),

    create: (of, name, replica) =>
      call(`create replica ${name} of registry ${of.name}`, of, async (context, group, registry) => {
        const body = { location: replica.location, ...wireChange(replica) };
        const answer = await firstAnswer((options) =>
          replications.create(context, group, registry, segment(name), body, options),
        );
        operations.started(of, name, answer.operation);
        return {
          replica: parseReplica(answer.body),
          ...(answer.askAfter !== undefined && { askAfter: answer.askAfter }),
        };
      }),

    update: (of, name, change) =>
      call(`update replica ${name} of registry ${of.name}`, of, async (context, group, registry) => {
        const body = wireChange(change);
        const answer = await firstAnswer((options) =>
          replications.update(context, group, registry, segment(name), body, options),
        );
        operations.started(of, name, answer.operation);
        return parseReplica(answer.body);
      }),

    async failure(of, name) {
      const url = operations.urlOf(of, name);
      if (url === undefined) return undefined;
      try {
        const { bodyAsText } = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
        operations.forget(of, name);
        return failureFrom(parsed(bodyAsText));
      } catch (error) {
        const failed = toArmError(error, `read why replica ${name} of registry ${of.name} failed`, identityLabel);
        if (failed.kind !== 'NotSent') operations.forget(of, name);
        throw failed;
      }
    },

    // The SDK has no such request: that would be another package, for one GET without parameters.
    async locations(subscriptionId) {
      try {
        const url = `${cloud.endpoint}/subscriptions/${encodeURIComponent(segment(subscriptionId))}/locations?api-version=${locationsVersion}`;
        const { bodyAsText } = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
        return parseLocations(parsed(bodyAsText));
      } catch (error) {
        throw toArmError(error, `list the regions of subscription ${subscriptionId}`, identityLabel);
      }
    },

    remove: (of, name) =>
      call(`delete replica ${name} of registry ${of.name}`, of, async (context, group, registry) => {
        await firstAnswer((options) => replications.$delete(context, group, registry, segment(name), options));
      }).catch(unlessGone),
  };
}

function parsed(body: string | null | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    throw new MalformedResponseError('the answer is no JSON');
  }
}

type Send<T> = (context: Context, group: string, registry: string) => Promise<T>;

/** What is not there need not be deleted. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ArmError && error.kind === 'NotFound')) throw error;
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
  onResponse: (response: { parsedBody?: unknown; headers: { get(name: string): string | undefined } }) => void;
}

interface FirstAnswer {
  readonly body: unknown;
  /** ms */
  readonly askAfter?: number;
  /** Where ARM tells how it ends. */
  readonly operation?: string;
}

/**
 * Sends the first request of a long-running operation and gives its answer. The SDK's poller is dropped unasked: it polls
 * only when awaited (it is a thenable: it must never be returned from an async function), and holds no timer until then
 * (read in @azure/core-lro 3). Its own result is no use here, being there only once the operation has succeeded.
 */
async function firstAnswer(start: (options: AnswerListener) => Submitting): Promise<FirstAnswer> {
  let answer: FirstAnswer = { body: flatten(undefined) };
  await start({
    onResponse: ({ parsedBody, headers }) => {
      const seconds = /^\d{1,5}$/.exec(headers.get('retry-after')?.trim() ?? '')?.[0];
      const operation = headers.get('azure-asyncoperation');
      answer = {
        body: flatten(parsedBody),
        ...(seconds && { askAfter: Number(seconds) * 1_000 }),
        ...(operation && { operation }),
      };
    },
  }).submitted();
  return answer;
}

/**
 * The name, if it stays one segment of a URL. The SDK encodes everything that could end a segment, but leaves dots alone, which URLs
 * resolve away, leaves out what is empty, so that a GET becomes a LIST, and cannot encode half a character.
 */
function segment(name: string): string {
  if (/[^.]/.test(name) && name.isWellFormed()) return name;
  throw new RestError(`${JSON.stringify(name)} is no name`, { statusCode: 400, code: 'InvalidName' });
}
