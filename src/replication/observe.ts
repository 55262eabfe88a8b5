// The reads of a pass: the registry, the LIST of its replicas, the object's sources, and the GETs that a plan would rest on.
import { isDeepStrictEqual } from 'node:util';
import { listedRegions, type RegistryReplication, serviceAccountOf } from '../api/registryreplication.ts';
import { type Arm, ArmError, attempt, type Registry } from '../azure/arm.ts';
import { type RegionCatalog, tableCatalog } from '../azure/region-catalog.ts';
import type { Context } from './context.ts';
import { type FollowingObject, followed, follows } from './follow.ts';
import { normalise } from './location.ts';
import { type GetResult, listed, noRegistry, type Observation, withGets } from './observation.ts';
import { dueSteps, type Plan, planFor } from './plan.ts';
import { isAtRest, isRetryRequested } from './region-state.ts';
import type { Region } from './regions.ts';
import { intervalMs } from './requeue.ts';

/** A plan and the observation that it rests on. */
export interface Planned {
  readonly observation: Observation;
  readonly plan: Plan;
}

/** Maximum age of a registry that is not read again: far below any interval, so that lasting changes are seen. */
const maxRegistryAgeMs = 5 * 60_000;

/** The regions of the subscription serve a hint about misspelt ones, and tell which values of sources are regions: a pass waits no longer. */
const maxHintWaitMs = 2_000;

/** LISTs the replicas, and reads the registry unless a cached one is recent enough. */
export async function observe(object: RegistryReplication, context: Context): Promise<Observation | ArmError> {
  const cached = cachedRegistry(object, context);
  return cached ? poll(object, cached, context) : read(object, context);
}

/** While replicas are in motion, and no user waits, one LIST is enough. */
function cachedRegistry(
  object: RegistryReplication,
  { state, defaultIntervalMs, clock }: Context,
): Registry | undefined {
  const isAwaited = isRetryRequested(object) || object.metadata.deletionTimestamp !== undefined;
  if (isAwaited || isAtRest(object.status)) return undefined;
  const maxAgeMs = Math.min(maxRegistryAgeMs, intervalMs(object, defaultIntervalMs) / 2);
  return state.registries.recall(object.spec.registry, maxAgeMs, clock.now());
}

async function poll(
  object: RegistryReplication,
  registry: Registry,
  context: Context,
): Promise<Observation | ArmError> {
  const replicas = await attempt(context.arm.replicas(object.spec.registry));
  if (!(replicas instanceof ArmError)) return { ...listed(registry, replicas), isRegistryCached: true };
  return replicas.kind === 'NotFound' ? read(object, context) : replicas;
}

async function read({ spec }: RegistryReplication, { arm, clock, state }: Context): Promise<Observation | ArmError> {
  state.registries.forget(spec.registry);
  const [registry, replicas] = await Promise.all([
    attempt(arm.registry(spec.registry)),
    attempt(arm.replicas(spec.registry)),
  ]);
  if (registry instanceof ArmError && !isProvenAbsent(registry)) return registry;
  if (replicas instanceof ArmError && replicas.kind !== 'NotFound') return replicas;
  if (registry instanceof ArmError) {
    const isContradicted = !(replicas instanceof ArmError) && replicas.length > 0;
    if (isContradicted) return contradiction('replicas, but no registry');
    return { ...noRegistry, isGroupMissing: registry.code === 'ResourceGroupNotFound' };
  }
  if (replicas instanceof ArmError) return contradiction('a registry, but no list of its replicas');
  state.registries.keep(spec.registry, registry, clock.now());
  return listed(registry, replicas);
}

/**
 * Plans, reads what the plan must not take from LIST, and plans again, until the plan rests on nothing else. A plan that
 * acts on a cached registry is kept only if the registry is unchanged.
 */
export async function planWithConfirmation(
  object: FollowingObject,
  first: Observation,
  context: Context,
): Promise<Planned | ArmError> {
  const requested = new Set<string>();
  let observation = first;
  let hasCatalog = false;
  for (;;) {
    const plan = planNow(object, observation, context);
    const needsCatalog: boolean = !hasCatalog && dueSteps(plan).some(({ action }) => action === 'create');
    if (plan.confirm.length === 0 && !needsCatalog) return confirmRegistry(object, { observation, plan }, context);
    const names = plan.confirm.filter((name) => !requested.has(name));
    // Read already, and the plan still needs it: the GET did not settle it.
    if (names.length < plan.confirm.length)
      return contradiction(`replica ${plan.confirm.join(', ')} in more than one way`);
    for (const name of names) requested.add(name);
    const [results, locations] = await Promise.all([
      Promise.all(names.map((name) => get(object, name, context))),
      needsCatalog ? locationsFor(object, context) : observation.locations,
    ]);
    hasCatalog ||= needsCatalog;
    observation = { ...withGets(observation, results), locations };
  }
}

/** The object with the regions that its sources name now. A deleted object asks none: it leaves what its last status shows. */
export async function withSources(
  object: RegistryReplication,
  { replicas, registry }: Observation,
  context: Context,
): Promise<FollowingObject> {
  if (!follows(object)) return object;
  const { clock, monotonic, state } = context;
  const { uid = '', deletionTimestamp } = object.metadata;
  const now = clock.now();
  const home = registry && normalise(registry.location);
  const readings = deletionTimestamp === undefined ? context.sourcesOf(object) : undefined;
  const rows = object.status?.regions ?? [];
  // LIST may omit a replica.
  const wasThere = new Set(rows.flatMap((row) => (row.state === 'Absent' ? [] : [row.location])));
  const isThere = (location: string) => location === home || replicas.has(location) || wasThere.has(location);
  const named = (readings ?? []).flatMap((reading) => (reading.state === 'Synced' ? [...reading.values.keys()] : []));
  const others = new Set(named.map(normalise).filter((location) => !isThere(location)));
  const catalog = await catalogFor(object, { others, home }, context);
  const names = new Set(catalog.regions.map(({ name }) => name));
  // What was needed is a region, unless ARM's list says that it is none: the table may lack it.
  const wasNeeded = new Set(catalog.names ? [] : rows.flatMap((row) => (row.neededBy ? [row.location] : [])));
  const isRegion = (location: string) => isThere(location) || names.has(location) || wasNeeded.has(location);
  const hasReplica = (location: string) => replicas.has(location);
  const ageOf = (key: string, since: number) => state.pruneTimers.age(uid, key, since, now, monotonic());
  return followed(object, { readings, home, isRegion, hasReplica, now, ageOf });
}

/** Tells which of the other values of sources are regions. */
async function catalogFor(
  object: RegistryReplication,
  { others, home }: { readonly others: ReadonlySet<string>; readonly home: string | undefined },
  { arm, state }: Context,
): Promise<RegionCatalog> {
  if (others.size === 0) return tableCatalog;
  const asker = { arm, account: serviceAccountOf(object) };
  const query = { wanted: [...others], maxWaitMs: maxHintWaitMs };
  const catalog = await state.regionCatalogs.regionsOf(asker, object.spec.registry.subscriptionId, query);
  // A list without the registry's home region is ignored.
  return home !== undefined && catalog.has(home) === false ? tableCatalog : catalog;
}

function planNow(object: FollowingObject, observation: Observation, context: Context): Plan {
  const { clock, limits, state, monotonic } = context;
  const now = clock.now();
  const { uid = '' } = object.metadata;
  return planFor(object, observation, now, {
    maxParallelActions: state.parallelism.limitOf(object.spec.registry, limits.maxParallelActions),
    pausedUntil: (location) => state.contention.pausedUntil(uid, location, now),
    ageOf: (location, since) => state.pruneTimers.age(uid, location, since, now, monotonic()),
  });
}

/** Confirms the registry where it matters, and adds ARM's reasons for failures. */
async function confirmRegistry(
  object: FollowingObject,
  { observation, plan }: Planned,
  context: Context,
): Promise<Planned | ArmError> {
  const { arm, clock, state } = context;
  if (plan.obstacle) state.registries.forget(object.spec.registry);
  const acts = object.spec.mode !== 'Observe' && dueSteps(plan).length > 0;
  if (observation.isRegistryCached && (acts || observation.missing.size > 0)) {
    const registry = await attempt(arm.registry(object.spec.registry));
    if (registry instanceof ArmError && !isProvenAbsent(registry)) return registry;
    if (registry instanceof ArmError || !isDeepStrictEqual(registry, observation.registry)) {
      const again = await read(object, context);
      return again instanceof ArmError ? again : planWithConfirmation(object, again, context);
    }
    state.registries.keep(object.spec.registry, registry, clock.now());
  }
  return { observation: { ...observation, failures: await failureReasons(object, plan, arm) }, plan };
}

/** Reads ARM's message for each new failure, and for each Failed replica without one. An ARM error does not stop the pass. */
async function failureReasons(
  { spec }: RegistryReplication,
  { regions }: Plan,
  arm: Arm,
): Promise<ReadonlyMap<string, string>> {
  const isUnexplained = ({ state, home, failure, failedJustNow }: Region) =>
    !home && (failedJustNow || (state === 'Failed' && failure === undefined));
  const failures = new Map<string, string>();
  await Promise.all(
    regions.filter(isUnexplained).map(async ({ name }) => {
      const failure = await attempt(arm.failure(spec.registry, name));
      if (typeof failure === 'string') failures.set(name.toLowerCase(), failure);
    }),
  );
  return failures;
}

/** The regions of the subscription; undefined if ARM does not return them in time. */
async function locationsFor(
  object: RegistryReplication,
  { arm, state }: Context,
): Promise<ReadonlySet<string> | undefined> {
  const { spec } = object;
  const asker = { arm, account: serviceAccountOf(object) };
  const wanted = listedRegions(spec).map(({ location }) => normalise(location));
  const query = { wanted, maxWaitMs: maxHintWaitMs };
  return (await state.regionCatalogs.regionsOf(asker, spec.registry.subscriptionId, query)).names;
}

async function get({ spec }: RegistryReplication, name: string, { arm }: Context): Promise<GetResult> {
  const answer = await attempt(arm.replica(spec.registry, name));
  if (!(answer instanceof ArmError)) return { kind: 'found', name, replica: answer };
  return isProvenAbsent(answer) ? { kind: 'missing', name } : { kind: 'failed', name, error: answer };
}

/** True for the two codes by which ARM reports the resource itself missing; any other 404 proves nothing. */
function isProvenAbsent({ kind, code }: ArmError): boolean {
  return kind === 'NotFound' && (code === 'ResourceNotFound' || code === 'ResourceGroupNotFound');
}

function contradiction(what: string): ArmError {
  return new ArmError('Transient', 'AzureUnreachable', `the answers of Azure contradict each other: it shows ${what}`);
}
