// Builds the status after a pass that observed ARM, and says when the next pass runs. Pure.
import { stateConditions } from '../api/conditions.ts';
import { annotation, type PlanEntry, type RegistryReplication, type Status } from '../api/registryreplication.ts';
import type { Registry } from '../azure/arm.ts';
import { isoSeconds, timeOfDay } from '../lib/clock.ts';
import { isTemporaryRefusal } from './backoff.ts';
import { messageColumn, regionsColumn, syncingColumn } from './columns.ts';
import type { FollowingObject } from './follow.ts';
import { normalise } from './location.ts';
import { type Observation, withGets } from './observation.ts';
import { errorAt, type Pass, pendingSteps, type Result } from './pass.ts';
import type { Plan } from './plan.ts';
import { type RegionReport, reportRegion } from './region-status.ts';
import { type Region, regionsOf } from './regions.ts';
import { type Polling, type Requeue, requeueAfter } from './requeue.ts';
import type { Step } from './step.ts';
import { statements, summarize } from './summary.ts';
import { registryId } from './validation.ts';

export interface Report {
  readonly status: Status;
  readonly requeue: Requeue;
}

/** Maximum number of plan entries in the status. */
const maxPlanEntries = 200;

/** For a report of which only the status is used. */
const unpacedPolling: Polling = { passMs: 0, firstPollHintMs: 0, minCreationPollMs: 0 };

export function reportPass(pass: Pass, results: readonly Result[], now: Date, polling = unpacedPolling): Report {
  const { plan, previous } = pass;
  const object = { ...pass.object, ...(previous && { status: previous }) };
  const regions = regionsOf(object, afterActing(pass.observation, results), now);
  const pending = pendingSteps(plan, results);
  const reports = regions.map((region) =>
    reportRegion(object, sinceNowIfMoved(region, plan, results, now), plan, pending, results, now),
  );
  const status = statusOf(object, pass, pending, reports, results, now);
  return { status, requeue: requeueAfter(pass, reports, results, status, now, polling) };
}

function statusOf(
  object: FollowingObject,
  { observation, plan }: Pass,
  pending: readonly Step[],
  reports: readonly RegionReport[],
  results: readonly Result[],
  now: Date,
): Status {
  const { metadata, spec, status } = object;
  const manages = spec.mode !== 'Observe';
  const listed = reports.filter(({ region }) => region.spec);
  const ready = listed.filter(({ region }) => region.state === 'Ready');
  const summary = summarize(object, plan, reports, now);
  const requested = metadata.annotations?.[annotation.reconcileRequestedAt];
  const registry = observation.registry ? summaryOf(object, observation.registry) : status?.registry;
  // Omitted when empty: an API server 1.20 treats an empty string in a custom resource as null and rejects it.
  const syncing = plan.obstacle ? '' : syncingColumn(listed, manages);
  const regionList = regionsColumn(reports.map(({ region }) => region));
  const conditions = stateConditions(
    status?.conditions ?? [],
    statements(object, plan, summary, listed),
    metadata.generation,
    isoSeconds(now),
  );
  return {
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    phase: summary.phase,
    readyRegions: `${ready.length}/${listed.length}`,
    ...(syncing && { syncing }),
    ...(regionList && { regionList }),
    ...(registry && { registry }),
    ...(status?.claim && { claim: status.claim }),
    ...messageColumn(conditions),
    conditions,
    regions: reports.flatMap(({ row }) => row ?? []),
    ...sourcesIn(object),
    ...(pending.length > 0 && {
      plan: pending
        .slice(0, maxPlanEntries)
        .map((step) => entryFor(step, whyPending(step, manages, reports, results, now))),
    }),
    ...(requested !== undefined && { lastHandledReconcileAt: requested }),
  };
}

function sourcesIn({ following }: FollowingObject): Pick<Status, 'sources'> {
  const sources = following?.sources.map(({ status }) => status) ?? [];
  return sources.length > 0 ? { sources } : {};
}

/** Applies ARM's responses to the observation. */
function afterActing(observation: Observation, results: readonly Result[]): Observation {
  return results.reduce((observed, { step: { action, location, name }, outcome }) => {
    if (outcome.kind === 'notAccepted') return observed;
    if (outcome.kind === 'written') {
      // A PUT's response may show a finished creation, but synchronized content is accepted from a GET only.
      const { displayStatus: _, ...begun } = outcome.replica;
      return withGets(observed, [{ kind: 'found', name, replica: action === 'create' ? begun : outcome.replica }]);
    }
    const replica = observed.replicas.get(location)?.replica;
    if (!replica) return observed;
    return withGets(observed, [{ kind: 'found', name, replica: { ...replica, provisioningState: 'Deleting' } }]);
  }, observation);
}

/**
 * Resets `since` after a step of ours, even if the status already had that state from an earlier attempt. The first refusal
 * of a creation resets it too: the region may have been Absent for long while it waited for others.
 */
function sinceNowIfMoved(region: Region, plan: Plan, results: readonly Result[], now: Date): Region {
  const planned = plan.regions.find(({ location }) => location === region.location);
  const isFirstRefusal =
    region.state === 'Absent' &&
    isTemporaryRefusal(errorAt(region.location, results)?.reason) &&
    !isTemporaryRefusal(region.previous?.reason);
  return (planned && planned.state !== region.state) || isFirstRefusal ? { ...region, since: isoSeconds(now) } : region;
}

function summaryOf({ spec }: RegistryReplication, registry: Registry): NonNullable<Status['registry']> {
  const { id, location, loginServer, creationDate, sku } = registry;
  // In ARM's spelling. Any other difference would look like a changed spec.
  const specified = registryId(spec.registry);
  return {
    id: id.toLowerCase() === specified.toLowerCase() ? id : specified,
    homeRegion: normalise(location),
    ...(loginServer && { loginServer }),
    ...(creationDate && { creationDate }),
    ...(sku && { sku }),
  };
}

function entryFor(step: Step, pending: string | undefined): PlanEntry {
  const waitsFor = step.hold?.waitsFor.join(',');
  return {
    action: step.action,
    location: step.location,
    ...(step.hold?.notBefore && { notBefore: step.hold.notBefore }),
    ...(waitsFor && { waitsFor }),
    message: pending ? `${step.message}; ${pending}` : step.message,
  };
}

/** Why the step is still pending. In mode Manage it names only the reason if the region's row has the message. */
function whyPending(
  step: Step,
  manages: boolean,
  reports: readonly RegionReport[],
  results: readonly Result[],
  now: Date,
): string | undefined {
  const outcome = results.find((result) => result.step === step)?.outcome;
  const progress = reports.find(({ region }) => region.location === step.location)?.progress;
  if (outcome?.kind === 'notAccepted')
    return progress?.retryAfter ? `next attempt at ${timeOfDay(progress.retryAfter, now)}` : outcome.error.message;
  const isTold = step.hold?.reason !== undefined && step.hold.reason === progress?.reason && manages;
  return isTold ? `held: ${step.hold?.reason}` : step.hold?.message;
}
