// Connects to Azure Resource Manager with Azure's SDK. It sends each request once: it polls no operation and repeats nothing.
import {
  type ContainerRegistryManagementContext as Context,
  createContainerRegistryManagement,
} from '@azure/arm-containerregistry/api';
import { createPipelineFromOptions, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { ArmRequest, RegistryReference } from './arm.ts';
import { MalformedResponseError } from './arm-responses.ts';
import { type Cloud, scopeOf } from './cloud.ts';
import { toArmError } from './errors.ts';
import { createHttpClient } from './http-client.ts';
import { type Credential, createTokenCache } from './identity/token-cache.ts';
import type { OperationUrls } from './operation-urls.ts';
import type { RateLimiter } from './rate-limit/rate-limiter.ts';
import { armPolicy } from './request-policy.ts';

export interface ArmOptions {
  readonly credential: Credential;
  readonly cloud: Cloud;
  /** The identity as part of a sentence. Default: the operator's identity. */
  readonly identityLabel?: string;
  /** Called once for each request that was sent or tried; must not throw. */
  readonly onRequest?: (request: ArmRequest) => void;
  /** Called right before each PUT, PATCH and DELETE is sent; when it throws, nothing is sent. */
  readonly beforeWrite?: () => void;
  /** Shared by clients that share a bound of memory. Default: its own. */
  readonly operationUrls?: OperationUrls;
  /** Told of every request and its response; throws where one must not be sent. */
  readonly rateLimiter?: Pick<RateLimiter, 'send'>;
  /** Put before the SDK's own words in User-Agent, as `name/version`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
}

/** Token included. The slowest synchronous answer on record took 6.3 s (azure-service-operator, recording of 2025-11-18). */
const requestTimeoutMs = 30_000;

export interface Connection {
  readonly endpoint: string;
  /** Throws every error as an ArmError that says what was asked. */
  attempt<T>(doing: string, send: () => Promise<T>): Promise<T>;
  call<T>(doing: string, of: RegistryReference, send: Send<T>): Promise<T>;
  /** The parsed JSON body of a request that the SDK does not have. */
  get(url: string): Promise<unknown>;
  /** Ends the idle connections now, and every other one after its request. */
  release(): void;
  /** Ends all connections, those in use included. */
  close(): void;
}

export type Send<T> = (context: Context, group: string, registry: string) => Promise<T>;

/** Keeps connections alive, and shares them among all subscriptions. */
export function connectArm(options: ArmOptions): Connection {
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
  return {
    endpoint: cloud.endpoint,
    attempt,
    call: (doing, of, send) =>
      attempt(doing, () => {
        const context = { ...anySubscription, subscriptionId: segment(of.subscriptionId) };
        return send(context, segment(of.resourceGroup), segment(of.name));
      }),
    async get(url) {
      const { bodyAsText } = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
      return parsed(bodyAsText ?? '');
    },
    release: () => httpClient.release(),
    close: () => httpClient.close(),
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new MalformedResponseError('the answer is no JSON');
  }
}

/**
 * Returns the name if it stays one segment of a URL. The SDK encodes everything that could end a segment, but does not encode dots,
 * which URLs resolve; it drops an empty name, which makes a GET a LIST; and it cannot encode half a character.
 */
export function segment(name: string): string {
  if (/[^.]/.test(name) && name.isWellFormed()) return name;
  throw new RestError(`${JSON.stringify(name)} is no name`, { statusCode: 400, code: 'InvalidName' });
}
