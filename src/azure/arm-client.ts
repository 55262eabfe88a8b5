// Implements Arm with Azure's SDK. It sends each request once and reads its first answer: it polls no operation and repeats nothing.
import * as registries from '@azure/arm-containerregistry/api/registries';
import * as replications from '@azure/arm-containerregistry/api/replications';
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { Accepted, Arm, ArmError, Location, Replica, ReplicaChange } from './arm.ts';
import { type ArmOptions, type Connection, connectArm, segment } from './arm-connection.ts';
import {
  failureFrom,
  flatten,
  MalformedResponseError,
  type Page,
  parseLocations,
  parseRegistry,
  parseReplica,
} from './arm-responses.ts';
import { OperationUrls } from './operation-urls.ts';
import { correlationIdOf } from './rest-error.ts';

/** The documented API version (Microsoft's REST reference, Subscriptions - List Locations). */
const locationsVersion = '2022-12-01';

/** Azure has some 100 regions, and a registry at most one replica in each: a longer list is endless. */
const maxPages = 100;

export interface ArmClient extends Arm {
  /** Ends the idle connections now, and every other one after its request. Requests can still be sent. */
  release(): void;
  /** Ends all connections, those in use included. */
  close(): void;
}

/** Keeps connections alive, and shares them among all subscriptions. */
export function createArmClient(options: ArmOptions): ArmClient {
  const connection = connectArm(options);
  const { operationUrls = new OperationUrls(options.cloud.endpoint) } = options;
  return {
    ...reads(connection),
    ...writes(connection, operationUrls),
    release: connection.release,
    close: connection.close,
  };
}

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
        const found: Location[] = [];
        let url: string | undefined = `${endpoint}${path}?api-version=${locationsVersion}`;
        for (let pages = 0; url !== undefined; pages++) {
          if (pages === maxPages) throw new MalformedResponseError(`the list goes on after ${maxPages} pages`);
          const page: Page<Location> = parseLocations(await get(url));
          found.push(...page.items);
          url = page.nextLink;
        }
        if (found.length === 0) throw new MalformedResponseError('the list of locations has none');
        return found;
      }),
  };
}

function writes(
  { attempt, call, get }: Connection,
  operationUrls: OperationUrls,
): Pick<Arm, 'create' | 'update' | 'remove' | 'failure'> {
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
        return failureFrom(body);
      }).catch((error: ArmError) => {
        if (error.kind !== 'NotSent') operationUrls.forget(of, name);
        throw error;
      });
    },
  };
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
