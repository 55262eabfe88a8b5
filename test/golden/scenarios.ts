// The settings of the objects that the golden files show: one for each phase and each reason.
import { listedRegions } from '../../src/api/registryreplication.ts';
import { ArmError } from '../../src/azure/arm.ts';
import { toArmError } from '../../src/azure/errors.ts';
import { resolveClient } from '../../src/azure/identity/federated-credential.ts';
import { notSent } from '../../src/azure/rate-limit/rate-limiter.ts';
import { armSays, named } from '../unit/azure/thrown-errors.ts';
import type { ArmModel } from '../unit/replication/arm-model.ts';
import { anObject, aRegistry, aReplica, home, type ObjectParts } from '../unit/replication/fixtures.ts';
import { following } from './following.ts';
import type { Setting } from './play.ts';

const id = aRegistry().id;
const two: ObjectParts = { regions: ['japaneast', 'westeurope'] };
const ready = ['japaneast', 'westeurope'].map((name) => aReplica(name));
const hourMs = 3_600_000;

/** Each request that `fits` is answered with the error, as it was thrown by Azure's libraries. */
function refuse(arm: ArmModel, fits: RegExp, thrown: unknown, doing = 'create the replica'): void {
  arm.beforeRequest = (request) => {
    if (fits.test(request)) throw thrown instanceof ArmError ? thrown : toArmError(thrown, doing);
  };
}

/** A creation that Azure refuses. */
function creationRefused(thrown: unknown): Setting {
  return {
    parts: two,
    replicas: [aReplica(home), aReplica('westeurope')],
    run: async (operator, arm) => {
      refuse(arm, /^PUT/, thrown);
      await operator.pass();
    },
  };
}

/** A read of the registry that fails, of an object that was ready and is edited. */
function readRefused(thrown: unknown): Setting {
  return {
    parts: two,
    replicas: [aReplica(home), ...ready],
    run: async (operator, arm, clock) => {
      await operator.pass();
      await clock.advance(hourMs);
      refuse(arm, /registry$|^LIST$/, thrown, 'read registry myACR0007');
      operator.edit({ regions: ['japaneast', 'westeurope', 'northeurope'].map((location) => ({ location })) });
      await operator.pass();
    },
  };
}

/** The first request of a new object fails. */
function firstPassRefused(thrown: () => Promise<unknown>): Setting {
  return {
    run: async (operator, arm) => {
      refuse(arm, /./, await thrown(), 'read registry myACR0007');
      await operator.pass();
    },
  };
}

const forbidden = armSays(
  403,
  'AuthorizationFailed',
  `The client '33333333-3333-3333-3333-333333333333' with object id '44444444-4444-4444-4444-444444444444' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/replications/write' over scope '${id}/replications/japaneast' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
);
const locked = armSays(
  409,
  'ScopeLocked',
  `The scope '${id}/replications/northeurope' cannot perform delete operation because following scope(s) are locked: '${id}'. Please remove the lock and try again.`,
);
const regions = ['australiaeast', 'brazilsouth', 'germanywestcentral', 'japaneast', 'koreacentral', 'southafricanorth'];
const account = { namespace: 'registries', name: 'pull-team' };
const failed = { provisioningState: 'Failed', displayStatus: 'Failed' };

/** Of the ServiceAccount with these annotations; undefined: there is none. */
async function identityError(annotations: Record<string, string> | 'missing' | 'forbidden'): Promise<ArmError> {
  const reading =
    typeof annotations === 'string'
      ? { refused: annotations, words: `serviceaccounts "pull-team" is ${annotations}` }
      : { annotations, uid: 'c0ffee' };
  try {
    await resolveClient(account, {
      serviceAccounts: { annotations: async () => reading },
      age: 0,
      homeTenant: undefined,
    });
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
  throw new Error('the ServiceAccount is set up');
}

/** By reason, or by phase where several phases have the reason. */
export const settings: Readonly<Record<string, Setting>> = {
  AllRegionsReady: { parts: two, replicas: [aReplica(home), ...ready] },
  ...following,
  'Syncing, Creating': { parts: two, replicas: [aReplica(home)] },
  'Syncing, 40 regions': {
    parts: { regions: Array.from({ length: 40 }, (_, n) => regions[n] ?? `region${n}`) },
    replicas: [aReplica(home), ...regions.map((name) => aReplica(name))],
    run: async (operator, arm) => {
      arm.regions = [home, ...listedRegions(operator.object.spec).map(({ location }) => location)];
      await operator.pass();
    },
  },
  Syncing: {
    parts: two,
    replicas: [aReplica(home), aReplica('japaneast', { displayStatus: 'Syncing' }), ready[1] ?? aReplica('westeurope')],
  },
  Pruning: { parts: two, replicas: [aReplica(home), ...ready, aReplica('northeurope')] },
  'Pruning, delayed': {
    parts: { ...two, spec: { pruneDelay: '10m' } },
    replicas: [aReplica(home), ...ready, aReplica('northeurope')],
  },
  Deleting: {
    parts: { ...two, deleting: true, generation: 2, status: { claim: { since: '2026-11-22T00:00:00Z' } } },
    replicas: [aReplica(home), ...ready],
  },
  Suspended: { parts: { ...two, spec: { suspend: true } }, replicas: [aReplica(home)] },
  'AllRegionsReady, suspended': {
    parts: two,
    replicas: [aReplica(home), ...ready],
    run: async (operator) => {
      await operator.pass();
      operator.edit({ suspend: true });
      await operator.pass();
    },
  },
  OutOfSync: {
    parts: { ...two, spec: { mode: 'Observe' }, claimed: false },
    replicas: [aReplica(home), aReplica('westeurope'), aReplica('northeurope')],
  },
  'AllRegionsReady, observing': {
    parts: { ...two, spec: { mode: 'Observe' }, claimed: false },
    replicas: [aReplica(home), ...ready],
  },
  // The API server refuses any other invalid spec before it is stored.
  InvalidSpec: { parts: { ...two, status: { registry: { id: id.replace('myACR0007', 'another') } } } },
  DefaultIdentityDenied: {
    run: async (operator) => {
      operator.rules = { ...operator.rules, defaultIdentity: 'deny' };
      await operator.pass();
    },
  },
  RegistryNotAllowed: {
    run: async (operator) => {
      operator.rules = { ...operator.rules, defaultRegistries: 'deny' };
      await operator.pass();
    },
  },
  NamespaceUnreadable: {
    run: async (operator) => {
      operator.namespaces = { registries: { refused: 'forbidden', words: 'namespaces "registries" is forbidden' } };
      await operator.pass();
    },
  },
  RegistryClaimed: {
    parts: { claimed: false },
    run: async (operator) => {
      const other = anObject();
      operator.otherObjects = [{ ...other, metadata: { ...other.metadata, name: 'older', uid: 'older' } }];
      await operator.pass();
    },
  },
  TooManyObjects: {
    parts: { claimed: false },
    run: async (operator) => {
      operator.overLimit = () => 20_000;
      await operator.pass();
    },
  },
  RegistryNotFound: readRefused(
    armSays(
      404,
      'ResourceNotFound',
      "The Resource 'Microsoft.ContainerRegistry/registries/myACR0007' under resource group 'myresourcegroup' was not found.",
    ),
  ),
  ResourceGroupNotFound: readRefused(
    armSays(404, 'ResourceGroupNotFound', "Resource group 'myresourcegroup' could not be found."),
  ),
  RegistryNotPremium: { registry: aRegistry({ sku: 'Standard' }), replicas: [] },
  RegistryNotReady: { registry: aRegistry({ provisioningState: 'Updating' }), replicas: [] },
  'RegionFailed, to be tried again': {
    parts: { ...two, regions: [{ location: 'japaneast', tags: { team: 'web' } }, 'westeurope'] },
    replicas: [
      aReplica(home),
      aReplica('japaneast', { ...failed, statusMessage: 'The region has no capacity.' }),
      ready[1] ?? aReplica('westeurope'),
    ],
    run: async (operator) => operator.runUntil(() => operator.status.regions?.[0]?.retryAfter !== undefined),
  },
  RegionFailed: {
    parts: two,
    replicas: [aReplica(home), aReplica('japaneast', failed), ready[1] ?? aReplica('westeurope')],
  },
  'RegionFailed, home': { parts: { regions: [home] }, replicas: [aReplica(home, failed)] },
  ProgressDeadlineExceeded: {
    parts: two,
    replicas: [aReplica(home), aReplica('westeurope')],
    run: async (operator, arm) => {
      arm.durationsFor = () => ({ creating: 9 * hourMs, syncing: hourMs });
      await operator.runUntil(() => operator.condition('Stalled') !== undefined);
    },
  },
  PruneBlocked: {
    parts: two,
    replicas: [aReplica(home), ...ready, aReplica('northeurope')],
    run: async (operator, arm) => {
      refuse(arm, /^DELETE/, locked, 'delete the replica');
      await operator.pass();
    },
  },
  LastRoutedRegion: {
    parts: { regions: [{ location: 'japaneast', routing: 'Disabled' }] },
    replicas: [aReplica(home, { routing: false }), aReplica('japaneast')],
  },
  Contended: {
    parts: { regions: [{ location: 'japaneast', tags: { team: 'web' } }] },
    replicas: [aReplica(home), aReplica('japaneast', { tags: { team: 'web' } })],
    run: async (operator, arm, clock) => {
      for (let n = 0; n < 4; n++) {
        await operator.pass();
        await clock.advance(60_000);
        await operator.pass();
        await arm.update(undefined, 'japaneast', { tags: {} });
        await clock.advance(60_000);
      }
      await operator.pass();
    },
  },
  AuthorizationFailed: creationRefused(forbidden),
  AuthenticationFailed: readRefused(
    named(
      'AuthenticationError',
      'EnvironmentCredential authentication failed: invalid_client: AADSTS7000215: Invalid client secret provided',
    ),
  ),
  ServiceAccountNotFound: firstPassRefused(() => identityError('missing')),
  ServiceAccountNotAnnotated: firstPassRefused(() => identityError({})),
  TokenRequestDenied: firstPassRefused(() => identityError('forbidden')),
  SubscriptionNotFound: readRefused(
    armSays(404, 'SubscriptionNotFound', "The subscription '00000000-0000-0000-0000-000000000000' could not be found."),
  ),
  PolicyDenied: creationRefused(
    armSays(
      403,
      'RequestDisallowedByPolicy',
      `Resource 'japaneast' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"Allowed locations","id":"/x"}}]'.`,
    ),
  ),
  Locked: creationRefused(locked),
  RegionNotAvailable: {
    parts: { regions: ['japaneest', 'westeurope'] },
    replicas: [aReplica(home), aReplica('westeurope')],
  },
  ApiVersionNotSupported: creationRefused(
    armSays(
      400,
      'NoRegisteredProviderFound',
      "No registered resource provider found for location 'japaneast' and API version '2025-11-01' for type 'registries/replications'. The supported api-versions are '2022-12-01, 2023-07-01'. The supported locations are 'japaneast, westeurope'.",
    ),
  ),
  QuotaExceeded: creationRefused(armSays(403, 'QuotaExceeded', 'The quota of replications is used up.')),
  ResourceGroupDeleting: creationRefused(
    armSays(
      409,
      'ResourceGroupBeingDeleted',
      "The resource group 'myresourcegroup' is in deprovisioning state and cannot perform this operation.",
    ),
  ),
  InvalidRequest: creationRefused(armSays(400, 'InvalidTagNameCharacters', 'The tag names have reserved characters.')),
  Throttled: readRefused(armSays(429, 'TooManyRequests', 'The request is being throttled.', { 'retry-after': '600' })),
  'Throttled, new object': firstPassRefused(async () => notSent('reads', 5_000)),
  'Syncing, throttled': creationRefused(
    armSays(429, 'TooManyRequests', 'The request is being throttled.', { 'retry-after': '600' }),
  ),
  'Syncing, conflict': creationRefused(armSays(409, 'Conflict', 'Another operation is in progress.')),
  AzureUnreachable: readRefused(armSays(503, 'ServiceUnavailable', 'The service is unavailable.')),
  'AzureUnreachable, new object': firstPassRefused(async () =>
    armSays(503, 'ServiceUnavailable', 'The service is unavailable.'),
  ),
  'AzureUnreachable, unedited': {
    parts: two,
    replicas: [aReplica(home), ...ready],
    run: async (operator, arm, clock) => {
      await operator.pass();
      refuse(arm, /./, named('RestError', 'connect ECONNREFUSED 10.0.0.1:443'), 'read registry myACR0007');
      await operator.pass();
      await clock.advance(hourMs);
      await operator.pass();
    },
  },
};

/** Reasons that no condition Ready has, and where they are seen. */
export const reasonsElsewhere: Readonly<Record<string, string>> = {
  RegionsNotReady: 'the reason of Available',
  Conflict: 'the reason of a region; Ready has Syncing',
  NotFound: 'the reason of a region that is observed again at once',
  TokenExchangeRefused: 'needs a token endpoint: test/e2e/identity.test.ts',
};
