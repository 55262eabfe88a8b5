// Builds the status after a pass, which kubectl shows, and the time of the next pass. Pure.
import { stateConditions } from '../api/conditions.ts';
import {
  annotation,
  type PlanEntry,
  type RegionStatus,
  type RegistryReplication,
  type Status,
} from '../api/registryreplication.ts';
import type { ArmError, Created, Registry, Replica } from '../azure/arm.ts';
import type { ArmRequest } from '../azure/request-policy.ts';
import { normalise } from './location.ts';
import { requeueAfter } from './next-look.ts';
import { type Observation, withAnswers } from './observation.ts';
import type { Plan, Step } from './plan.ts';
import { needsIntervention } from './reasons.ts';
import { isWorthARow, rowFor } from './region-status.ts';
import { isoSeconds, isRefusal, type Region, regionsOf } from './regions.ts';
import { registryId } from './validation.ts';
import { statements, summarize } from './verdict.ts';

/** ARM's response to an accepted PUT or PATCH, or an accepted DELETE. */
export type Submitted = Created | { readonly replica: Replica } | { readonly deleting: true };

/** The outcome of a step. */
export interface Result {
  readonly step: Step;
  readonly answer: Submitted | { readonly error: ArmError };
  /** The request sent; undefined if our own rate limiter held it back. */
  readonly request?: ArmRequest;
}

/**
 * When the next pass runs. `within`: after so many ms, but no later than the next drift check. `notBefore`: after so many
 * ms, as ARM requires. 'drift check': at the next one. 'edit': when the object is edited.
 */
export type Next = { readonly within: number } | { readonly notBefore: number } | 'drift check' | 'edit';

export interface Report {
  readonly status: Status;
  readonly next: Next;
}

/** Maximum number of plan entries in the status. */
const longestPlan = 200;

/** Reports a pass that observed ARM. `askAfter`: minimum ms of a creation as ARM reported it. */
export function report(
  object: RegistryReplication,
  observed: Observation,
  plan: Plan,
  results: readonly Result[],
  now: Date,
  askAfter = 0,
): Report {
  const after = afterActing(observed, results);
  const regions = regionsOf(object, after, now).map((region) => sinceNowIfMoved(region, plan, results, now));
  const rows = regions.filter(isWorthARow).map((region) => rowFor(object, region, plan, results, now));
  const done = new Set(results.filter(({ answer }) => !('error' in answer)).map(({ step }) => step));
  const left = plan.steps.filter((step) => !done.has(step));
  const verdict = summarize(object, plan, rows, left);
  const listed = rows.filter(({ desired }) => desired);
  const ready = listed.filter(({ state }) => state === 'Ready');
  const requested = object.metadata.annotations?.[annotation.reconcileRequestedAt];
  const registry = observed.registry ? summaryOf(object, observed.registry) : object.status?.registry;
  // Omitted when empty: an API server 1.20 treats an empty string in a custom resource as null and rejects it.
  const syncing = (plan.obstacle ? [] : listed)
    .filter((row) => isOnItsWay(row, object.spec.mode !== 'Observe'))
    .map(({ location }) => location)
    .join(',');
  const there = regionList(regions);

  const status: Status = {
    ...(object.metadata.generation !== undefined && { observedGeneration: object.metadata.generation }),
    phase: verdict.phase,
    readyRegions: `${ready.length}/${listed.length}`,
    ...(syncing && { syncing }),
    ...(there && { regionList: there }),
    ...(registry && { registry }),
    ...(object.status?.claim && { claim: object.status.claim }),
    conditions: stateConditions(
      object.status?.conditions ?? [],
      statements(verdict, ready.length === listed.length, listed, object.spec.mode !== 'Observe'),
      object.metadata.generation,
      isoSeconds(now),
    ),
    regions: rows,
    ...(left.length > 0 && {
      plan: left.slice(0, longestPlan).map((step) => entryFor(step, obstacleTo(object, step, results, rows))),
    }),
    ...(requested !== undefined && { lastHandledReconcileAt: requested }),
  };
  const wait = requeueAfter(object, plan, { regions, rows, left, results, status, askAfter }, now);
  return { status, next: wait === undefined ? 'drift check' : { within: wait } };
}

/** Applies ARM's responses in `results` to the observation. */
function afterActing(observed: Observation, results: readonly Result[]): Observation {
  return results.reduce((seen, { step: { action, location, name }, answer }) => {
    if ('replica' in answer) {
      // A PUT's response may show a finished creation, but synchronized content is accepted from a GET only.
      const { displayStatus: _, ...begun } = answer.replica;
      return withAnswers(seen, [{ name, replica: action === 'create' ? begun : answer.replica }]);
    }
    const replica = seen.replicas.get(location)?.replica;
    if ('error' in answer || !replica) return seen;
    return withAnswers(seen, [{ name, replica: { ...replica, provisioningState: 'Deleting' } }]);
  }, observed);
}

/**
 * Resets `since` after a step of ours, even if the status already had that state from an earlier attempt. The first refusal
 * of a creation resets it too: the region may have been Absent for long while it waited for others.
 */
function sinceNowIfMoved(region: Region, plan: Plan, results: readonly Result[], now: Date): Region {
  const planned = plan.regions.find(({ location }) => location === region.location);
  const isRefused = results.some(
    ({ step, answer }) => step.location === region.location && 'error' in answer && isRefusal(answer.error.reason),
  );
  const isFirstRefusal = region.state === 'Absent' && isRefused && !isRefusal(region.previous?.reason);
  return (planned && planned.state !== region.state) || isFirstRefusal ? { ...region, since: isoSeconds(now) } : region;
}

function summaryOf({ spec }: RegistryReplication, registry: Registry): NonNullable<Status['registry']> {
  const { id, location, loginServer, creationDate, sku } = registry;
  // In ARM's spelling. Any other difference would look like a changed spec.
  const asked = registryId(spec.registry);
  return {
    id: id.toLowerCase() === asked.toLowerCase() ? id : asked,
    homeRegion: normalise(location),
    ...(loginServer && { loginServer }),
    ...(creationDate && { creationDate }),
    ...(sku && { sku }),
  };
}

function isOnItsWay({ state, reason }: RegionStatus, manages: boolean): boolean {
  if (state === 'Absent' && !manages) return false;
  return state !== 'Ready' && state !== 'Failed' && !needsIntervention(reason);
}

function regionList(regions: readonly Region[]): string {
  const there = regions.filter(({ home, replica }) => home || replica);
  const sorted = there.sort((a, b) => Number(b.home) - Number(a.home) || (a.location < b.location ? -1 : 1));
  return sorted.map(({ location, home }) => (home ? `${location}*` : location)).join(',');
}

function entryFor(step: Step, obstacle: string | undefined): PlanEntry {
  const waitsFor = step.hold?.waitsFor.join(',');
  return {
    action: step.action,
    location: step.location,
    ...(step.hold?.notBefore && { notBefore: step.hold.notBefore }),
    ...(waitsFor && { waitsFor }),
    message: obstacle ? `${step.message}; ${obstacle}` : step.message,
  };
}

/** Why the step is still pending. In mode Manage it names only the reason if the region's row has the message. */
function obstacleTo(
  { spec }: RegistryReplication,
  step: Step,
  results: readonly Result[],
  rows: readonly RegionStatus[],
): string | undefined {
  const answer = results.find((result) => result.step === step)?.answer;
  const row = rows.find(({ location }) => location === step.location);
  if (answer && 'error' in answer)
    return row?.retryAfter ? `is tried again at ${row.retryAfter}` : answer.error.message;
  const isTold = step.hold?.reason !== undefined && step.hold.reason === row?.reason && spec.mode !== 'Observe';
  return isTold ? `is held back: ${step.hold?.reason}` : step.hold?.message;
}
