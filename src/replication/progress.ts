// Says what a pass has seen and done: the status, and when to look again. Pure; the words here are what kubectl shows.
import { findCondition, type Statement, stateConditions } from '../api/conditions.ts';
import {
  annotation,
  type Phase,
  type PlanEntry,
  type RegionStatus,
  type RegistryReplication,
  type Status,
} from '../api/registryreplication.ts';
import type { ArmError, ArmErrorReason, Replica } from '../azure/arm.ts';
import { confirmed, type Observed } from './observed.ts';
import type { Plan, Step } from './plan.ts';
import type { Reason } from './reasons.ts';
import { isInMotion, isoSeconds, type Region, regionsOf } from './regions.ts';
import { keysOwned } from './tags.ts';
import { earliest, quarterOf, slowly } from './waiting.ts';

/** ARM has accepted a step: its answer to a PUT or PATCH, or a DELETE on its way. */
export type Submitted = { readonly replica: Replica } | { readonly deleting: true };

/** What became of a step. */
export interface Result {
  readonly step: Step;
  readonly answer: Submitted | { readonly error: ArmError };
}

export interface Report {
  readonly status: Status;
  /** ms until the next look; undefined when all is settled and the drift check is soon enough. */
  readonly lookAgainAfter?: number;
}

/** The report of a pass that saw ARM. */
export function report(
  object: RegistryReplication,
  observed: Observed,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): Report {
  const after = afterActing(observed, results);
  const regions = regionsOf(object, after, now).map((region) => sinceNowIfMoved(region, plan, now));
  const rows = regions.filter(isWorthARow).map((region) => rowFor(object, region, plan, results, now));
  const done = new Set(results.filter(({ answer }) => !('error' in answer)).map(({ step }) => step));
  const left = plan.steps.filter((step) => !done.has(step));
  const verdict = verdictOf(object, plan, rows, left);
  const listed = rows.filter(({ desired }) => desired);
  const ready = listed.filter(({ state }) => state === 'Ready');
  const requested = object.metadata.annotations?.[annotation.reconcileRequestedAt];
  const { registry } = observed;
  // Left out when empty: an API server 1.20 takes an empty string in a custom resource for null, and refuses it.
  const syncing = listed
    .filter(isOnItsWay)
    .map(({ location }) => location)
    .join(',');
  const there = regionList(regions);

  const status: Status = {
    ...(object.metadata.generation !== undefined && { observedGeneration: object.metadata.generation }),
    phase: verdict.phase,
    readyRegions: `${ready.length}/${listed.length}`,
    ...(syncing && { syncing }),
    ...(there && { regionList: there }),
    ...(registry
      ? {
          registry: {
            id: registry.id,
            homeRegion: regions.find(({ home }) => home)?.location ?? registry.location,
            ...(registry.loginServer !== undefined && { loginServer: registry.loginServer }),
            ...(registry.creationDate !== undefined && { creationDate: registry.creationDate }),
            sku: registry.sku,
          },
        }
      : object.status?.registry && { registry: object.status.registry }),
    conditions: stateConditions(
      object.status?.conditions ?? [],
      statements(verdict, ready.length === listed.length, listed, object.spec.mode !== 'Observe'),
      object.metadata.generation,
      isoSeconds(now),
    ),
    regions: rows,
    plan: left.slice(0, 200).map((step) => entryFor(step, results)),
    ...(requested !== undefined && { lastHandledReconcileAt: requested }),
  };
  const lookAgainAfter = nextLook(object, plan, { regions, rows, status, results }, now);
  return { status, ...(lookAgainAfter !== undefined && { lookAgainAfter }) };
}

/** What ARM holds once these results are in, as far as its answers say. */
function afterActing(observed: Observed, results: readonly Result[]): Observed {
  return results.reduce((seen, { step: { location, name }, answer }) => {
    if ('replica' in answer) return confirmed(seen, [{ name, replica: answer.replica }]);
    const replica = seen.sightings.get(location)?.replica;
    if ('error' in answer || !replica) return seen;
    return confirmed(seen, [{ name, replica: { ...replica, provisioningState: 'Deleting' } }]);
  }, observed);
}

/** A step of ours begins its state anew, even where the status already had that word from an earlier attempt. */
function sinceNowIfMoved(region: Region, plan: Plan, now: Date): Region {
  const planned = plan.regions.find(({ location }) => location === region.location);
  return planned && planned.state !== region.state ? { ...region, since: isoSeconds(now) } : region;
}

// --- rows

function isWorthARow({ asked, home, state, replica, unseen }: Region): boolean {
  return asked !== undefined || home || replica !== undefined || unseen !== undefined || state !== 'Absent';
}

function rowFor(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): RegionStatus {
  const { location, replica, asked, home, state, since, before } = region;
  const manages = object.spec.mode !== 'Observe';
  const owned =
    asked && manages
      ? keysOwned(replica?.tags ?? {}, asked.tags ?? {}, before?.managedTags ?? [])
      : (before?.managedTags ?? []);
  return {
    location,
    ...(replica ? { replica: replica.name } : !home && { replica: region.name }),
    desired: asked !== undefined,
    home,
    state,
    ...(replica?.provisioningState !== undefined && { provisioningState: replica.provisioningState }),
    ...(replica?.displayStatus !== undefined && { displayStatus: replica.displayStatus }),
    ...(replica && { routing: replica.routing ? 'Enabled' : 'Disabled' }),
    since,
    ...(asked && { readyOnce: region.readyOnce }),
    ...(owned.length > 0 && { managedTags: owned }),
    ...troubleOf(object, region, plan, results, now),
  };
}

/** ms of Syncing after which it is worth a word. Azure documents no bound: it grows with the registry's content. */
const longSyncing = 3_600_000;

/** What stands in this region's way, from the newest to the oldest evidence. */
function troubleOf(
  object: RegistryReplication,
  { location, name, state, since, replica, unseen, before }: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): Pick<RegionStatus, 'reason' | 'message' | 'retryAfter'> {
  const answer = results.find(({ step }) => step.location === location)?.answer;
  if (answer && 'error' in answer) {
    const { reason, message } = answer.error;
    const retryAfter = nextWholeSecond(now.getTime() + patience(object, answer.error, before, now));
    return { reason, message, retryAfter };
  }
  if (unseen) return { message: unseen.message };
  const step = plan.steps.find((one) => one.location === location && one.hold);
  if (step?.hold?.reason) return { reason: step.hold.reason, message: `${name} ${step.hold.message}` };
  const resting = step?.hold && before?.retryAfter !== undefined && Date.parse(before.retryAfter) > now.getTime();
  if (resting && before) {
    const { reason, message, retryAfter } = before;
    return { ...(reason && { reason }), ...(message && { message }), ...(retryAfter && { retryAfter }) };
  }
  if (state === 'Failed') {
    const { name: registry } = object.spec.registry;
    const words = replica?.statusMessage ? ` (${replica.statusMessage})` : '';
    return {
      message: `Azure reports replica ${name} as ${replica?.provisioningState}${words}; it cannot be mended in place. Delete it, and it is created again: az acr replication delete --registry ${registry} --name ${name}`,
    };
  }
  if (state === 'Syncing' && now.getTime() - Date.parse(since) > longSyncing)
    return { message: `has been Syncing since ${since}; a large registry takes hours, and Azure shows no progress` };
  return replica?.statusMessage ? { message: replica.statusMessage } : {};
}

/** ms until a refused write is tried again: soon where time mends it, slowly where a person has to. */
function patience(
  { status }: RegistryReplication,
  error: ArmError,
  before: RegionStatus | undefined,
  now: Date,
): number {
  switch (error.kind) {
    case 'Throttled':
      return error.retryAfter ?? 10_000;
    case 'Conflict':
    case 'Transient':
    case 'NotFound':
      return Math.max(5_000, quarterOf(before?.since, now));
    case 'Denied':
    case 'Invalid':
      return slowly(findCondition(status?.conditions, 'Stalled')?.lastTransitionTime, now);
    default:
      return error.kind satisfies never;
  }
}

/** Rounded up, never down: ARM's Retry-After is a command. */
function nextWholeSecond(ms: number): string {
  return isoSeconds(new Date(Math.ceil(ms / 1_000) * 1_000));
}

/** Whether a person has to act before Azure takes the write. */
function isRefusal(reason: string | undefined): boolean {
  const mendsItself: (ArmErrorReason | undefined)[] = [
    'Throttled',
    'Conflict',
    'AzureUnreachable',
    'NotFound',
    undefined,
  ];
  return !mendsItself.includes(reason as ArmErrorReason | undefined);
}

function isOnItsWay({ state, reason }: RegionStatus): boolean {
  return state !== 'Ready' && state !== 'Failed' && !isRefusal(reason);
}

function regionList(regions: readonly Region[]): string {
  const there = regions.filter(({ home, replica }) => home || replica);
  const sorted = there.sort((a, b) => Number(b.home) - Number(a.home) || (a.location < b.location ? -1 : 1));
  return sorted.map(({ location, home }) => (home ? `${location}*` : location)).join(',');
}

// --- plan

function entryFor(step: Step, results: readonly Result[]): PlanEntry {
  const answer = results.find((result) => result.step === step)?.answer;
  const obstacle = answer && 'error' in answer ? answer.error.message : step.hold?.message;
  const waitsFor = step.hold?.waitsFor.join(',');
  return {
    action: step.action,
    location: step.location,
    ...(waitsFor && { waitsFor }),
    message: obstacle ? `${step.message}; ${obstacle}` : step.message,
  };
}

// --- conditions and phase

interface Verdict {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason: Reason;
  readonly message: string;
  /** A person has to act. */
  readonly stalled: boolean;
}

function verdictOf(
  object: RegistryReplication,
  { obstacle }: Plan,
  rows: readonly RegionStatus[],
  left: readonly Step[],
): Verdict {
  const { spec, metadata } = object;
  const leaving = metadata.deletionTimestamp !== undefined;
  const phaseOf = (phase: Phase): Phase => (leaving ? 'Deleting' : spec.mode === 'Observe' ? 'Observing' : phase);
  const stalled = (reason: Reason, message: string): Verdict => ({
    phase: phaseOf('Failed'),
    ready: false,
    reason,
    message,
    stalled: true,
  });
  const moving = (phase: Phase, reason: Reason, message: string): Verdict => ({
    phase: phaseOf(phase),
    ready: false,
    reason,
    message,
    stalled: false,
  });

  if (obstacle) {
    const { reason, message } = obstacle;
    return reason === 'RegistryNotReady' ? moving('Pending', reason, message) : stalled(reason, message);
  }
  const refused = rows.filter(({ reason }) => isRefusal(reason));
  const [first] = refused;
  if (leaving) {
    if (first) return stalled(first.reason as Reason, inWords(refused));
    const still = rows.filter(
      ({ home, desired, state }) => !home && state !== 'Absent' && (desired || spec.prune !== 'Retain'),
    );
    const message = still.length > 0 ? `waits until Azure has deleted ${names(still)}` : inWords(rows);
    return moving('Deleting', 'Deleting', message);
  }
  const routing = rows.filter(({ reason }) => reason === 'LastRoutedRegion');
  if (routing.length > 0) return stalled('LastRoutedRegion', inWords(routing));
  const listed = rows.filter(({ desired }) => desired);
  const refusedListed = listed.filter((row) => refused.includes(row));
  const [blocking] = refusedListed;
  if (blocking) return stalled(blocking.reason as Reason, inWords(refusedListed));
  const failed = listed.filter(({ state }) => state === 'Failed');
  if (failed.length > 0) return stalled('RegionFailed', inWords(failed));
  if (spec.mode === 'Observe' && left.length > 0)
    return moving(
      'Observing',
      'OutOfSync',
      `mode Observe changes nothing; status.plan shows ${left.length === 1 ? 'the action' : `the ${left.length} actions`} that mode Manage would take`,
    );
  const coming = listed.filter(
    ({ state, location }) => state !== 'Ready' || left.some((step) => step.location === location),
  );
  if (coming.length > 0) return moving('Syncing', 'Syncing', inWords(coming));
  const pruning = spec.prune === 'Retain' ? [] : rows.filter(({ desired, home }) => !desired && !home);
  if (pruning.length > 0) {
    const blocked = pruning.filter((row) => refused.includes(row));
    if (blocked.length > 0) return stalled('PruneBlocked', inWords(blocked));
    return moving(
      'Syncing',
      'Pruning',
      `${names(pruning)} ${pruning.length === 1 ? 'is' : 'are'} not listed and on the way out`,
    );
  }
  return {
    phase: phaseOf('Ready'),
    ready: true,
    reason: 'AllRegionsReady',
    message: `${names(listed)} ${listed.length === 1 ? 'is' : 'are'} ready`,
    stalled: false,
  };
}

function statements(
  verdict: Verdict,
  allReady: boolean,
  listed: readonly RegionStatus[],
  manages: boolean,
): Statement[] {
  const { ready, reason, message, stalled } = verdict;
  const waiting = listed.filter(({ state }) => state !== 'Ready');
  return [
    { type: 'Ready', status: ready ? 'True' : 'False', reason, message },
    allReady
      ? { type: 'Available', status: 'True', reason: 'AllRegionsReady', message: 'every listed region is ready' }
      : { type: 'Available', status: 'False', reason: 'RegionsNotReady', message: inWords(waiting) },
    ...(ready || stalled || !manages ? [] : [{ type: 'Reconciling', status: 'True', reason, message } as const]),
    ...(stalled ? [{ type: 'Stalled', status: 'True', reason, message } as const] : []),
  ];
}

const mostNamed = 10;
const longestBrief = 240;

function inWords(rows: readonly RegionStatus[]): string {
  const words = rows
    .slice(0, mostNamed)
    .map(({ location, state, message }) => (message ? `${location}: ${brief(message)}` : `${location} is ${state}`));
  return [...words, ...(rows.length > mostNamed ? [`and ${rows.length - mostNamed} more`] : [])].join('; ');
}

/** A condition's message is a column of kubectl's; the whole of it is in the region's row. */
function brief(message: string): string {
  return message.length > longestBrief ? `${message.slice(0, longestBrief)}…` : message;
}

function names(rows: readonly RegionStatus[]): string {
  const some = rows.slice(0, mostNamed).map(({ location }) => location);
  return [...some, ...(rows.length > mostNamed ? [`${rows.length - mostNamed} more`] : [])].join(', ');
}

// --- when to look again

interface Seen {
  readonly regions: readonly Region[];
  readonly rows: readonly RegionStatus[];
  readonly status: Status;
  readonly results: readonly Result[];
}

function nextLook(
  object: RegistryReplication,
  plan: Plan,
  { regions, rows, status, results }: Seen,
  now: Date,
): number | undefined {
  const condition = (type: string) => findCondition(status.conditions, type)?.lastTransitionTime;
  if (plan.obstacle?.reason === 'RegistryNotReady') return quarterOf(condition('Ready'), now);
  if (plan.obstacle) return slowly(condition('Stalled'), now);
  const { prune } = object.spec;
  const awaited = new Set(plan.steps.flatMap(({ hold }) => hold?.waitsFor ?? []));
  const matters = ({ location, asked, home }: Region) =>
    asked !== undefined || (!home && prune !== 'Retain') || awaited.has(location);
  const moving = regions.filter((region) => matters(region) && (isInMotion(region) || region.state === 'Syncing'));
  return earliest([
    ...moving.map(({ since }) => quarterOf(since, now)),
    ...rows.flatMap(({ retryAfter }) =>
      retryAfter === undefined ? [] : [Math.max(1_000, Date.parse(retryAfter) - now.getTime())],
    ),
    ...regions.flatMap(({ unseen, since }) =>
      unseen ? [unseen.retryAfter ?? Math.max(5_000, quarterOf(since, now))] : [],
    ),
    ...(results.length > 0 ? [quarterOf(undefined, now)] : []),
    ...(findCondition(status.conditions, 'Stalled') ? [slowly(condition('Stalled'), now)] : []),
  ]);
}
