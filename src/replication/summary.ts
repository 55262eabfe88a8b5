// Summarizes the reports of all regions as phase and conditions, with messages for users. Pure.
import type { Statement } from '../api/conditions.ts';
import type { Phase, RegionStatus, RegistryReplication, SourceStatus } from '../api/registryreplication.ts';
import { timeOfDay } from '../lib/clock.ts';
import { type FollowingObject, pruneHold } from './follow.ts';
import { areOrIs, type Creates, forceDetachHint, inStates, listing, summarizeRegions } from './messages.ts';
import { whyUnwanted } from './needs.ts';
import type { Plan } from './plan.ts';
import { pruneDelayOf } from './prune-delay.ts';
import { needsIntervention, type Reason } from './reasons.ts';
import type { RegionReport } from './region-status.ts';
import { isUnused } from './regions.ts';

export interface Summary {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason: Reason;
  readonly message: string;
  /** A user must act. */
  readonly stalled: boolean;
}

export function summarize(
  object: FollowingObject,
  { obstacle }: Plan,
  reports: readonly RegionReport[],
  now: Date,
): Summary {
  const { spec, metadata } = object;
  if (obstacle) {
    const { reason, message } = obstacle;
    const summary = reason === 'RegistryNotReady' ? moving('Pending', reason, message) : stalled(reason, message);
    return inPhaseOf(object, summary);
  }
  const shown = reports.filter(({ row }) => row);
  if (metadata.deletionTimestamp !== undefined) return inPhaseOf(object, summarizeDeletion(object, shown));
  const listed = shown.filter(({ region }) => region.spec);
  const summary =
    summarizeBlocked(shown, listed) ??
    (spec.mode === 'Observe' ? summarizeObserved(shown) : undefined) ??
    summarizeSyncing(listed) ??
    summarizeSources(object) ??
    (spec.prune === 'Retain' ? undefined : summarizePruning(object, shown, now)) ??
    allReady(object, listed, now);
  return inPhaseOf(object, isDegraded(summary, listed) ? { ...summary, phase: 'Degraded' } : summary);
}

/** Every listed region is Ready, and something else needs a user. */
function isDegraded({ stalled }: Summary, listed: readonly RegionReport[]): boolean {
  return stalled && listed.length > 0 && listed.every(({ region }) => region.state === 'Ready');
}

function inPhaseOf({ spec, metadata }: RegistryReplication, summary: Summary): Summary {
  if (metadata.deletionTimestamp !== undefined) return { ...summary, phase: 'Deleting' };
  return spec.mode === 'Observe' ? { ...summary, phase: 'Observing' } : summary;
}

function stalled(reason: Reason, message: string): Summary {
  return { phase: 'Failed', ready: false, reason, message, stalled: true };
}

function moving(phase: Phase, reason: Reason, message: string): Summary {
  return { phase, ready: false, reason, message, stalled: false };
}

const noRegions = 'no source names a region yet';

/** What the sources name, and what none names any more. */
function followingClauses(
  following: FollowingObject['following'],
  listed: readonly RegionReport[],
  now: Date,
): string[] {
  const named = (following?.sources ?? []).map(({ status: { source, regions = 0 } }) => `${source} ${regions}`);
  const unused = listed.filter(({ region }) => isUnused(region));
  const [until] = unused.flatMap(({ region }) => region.need?.keptUntil ?? []).sort();
  const kept = until === undefined ? 'kept' : `kept until ${timeOfDay(until, now)}`;
  return [
    ...(named.length > 0 ? [`regions named by sources: ${named.join(', ')}`] : []),
    ...(unused.length > 0 ? [`unused: ${listing(rowsOf(unused))}, ${kept}`] : []),
  ];
}

/** A source that the object follows cannot be read: what it names is not known. */
function summarizeSources({ following }: FollowingObject): Summary | undefined {
  const unread = (following?.sources ?? [])
    .map(({ status }) => status)
    .filter(({ state }) => state !== 'Synced' && state !== 'Empty');
  const [first] = unread;
  if (!first) return undefined;
  const message = unread.map(ofSource).join('; ');
  const temporary = unread.every(({ state }) => state === 'NotSynced');
  return temporary ? moving('Syncing', 'SourceNotSynced', message) : stalled('SourceUnreadable', message);
}

function ofSource({ source, state, message }: SourceStatus): string {
  return `source ${source} is ${state}${message === undefined ? '' : `: ${message}`}`;
}

function allReady({ following }: FollowingObject, listed: readonly RegionReport[], now: Date): Summary {
  const rows = rowsOf(listed);
  if (following && rows.length === 0) return moving('Pending', 'NoRegions', noRegions);
  const message = [`${listing(rows)} ${areOrIs(rows)} ready`, ...followingClauses(following, listed, now)].join('; ');
  return { phase: 'Ready', ready: true, reason: 'AllRegionsReady', message, stalled: false };
}

function summarizeDeletion(object: RegistryReplication, reports: readonly RegionReport[]): Summary {
  const blocked = reports.filter(isBlocked);
  const [first] = blocked;
  if (first) return stalled(reasonOf(first), summarizeRegions(rowsOf(blocked)) + forceDetachHint(object));
  const left = reports.filter(({ region, steps }) => !region.home && (region.state === 'Deleting' || steps.length > 0));
  const message = left.length > 0 ? `deleting ${listing(rowsOf(left))}` : summarizeRegions(rowsOf(reports));
  return moving('Deleting', 'Deleting', message);
}

/** A listed region, or the registry's last routed replica, needs a user. */
function summarizeBlocked(reports: readonly RegionReport[], listed: readonly RegionReport[]): Summary | undefined {
  const unrouted = reports.filter(({ progress }) => progress.reason === 'LastRoutedRegion');
  if (unrouted.length > 0) return stalled('LastRoutedRegion', summarizeRegions(rowsOf(unrouted)));
  const blocked = listed.filter(isBlocked);
  const [first] = blocked;
  if (first) return stalled(reasonOf(first), summarizeRegions(rowsOf(blocked)));
  const failed = listed.filter(({ region }) => region.state === 'Failed');
  return failed.length > 0 ? moving('Syncing', 'RegionFailed', summarizeRegions(rowsOf(failed))) : undefined;
}

function summarizeObserved(reports: readonly RegionReport[]): Summary | undefined {
  const steps = reports.flatMap((report) => report.steps);
  if (steps.length === 0) return undefined;
  const actions = [...Map.groupBy(steps, ({ action }) => action)].map(([action, some]) => `${action} ${listing(some)}`);
  const message = `mode Manage would ${actions.join('; ')} (see status.plan); mode Observe changes nothing`;
  return moving('Observing', 'OutOfSync', message);
}

function summarizeSyncing(listed: readonly RegionReport[]): Summary | undefined {
  const coming = listed.flatMap(({ region, row, steps: [step] }) => {
    if (!row) return [];
    if (region.state !== 'Ready') return [row];
    return step ? [{ ...row, message: row.message ?? step.message }] : [];
  });
  return coming.length > 0 ? moving('Syncing', 'Syncing', summarizeRegions(coming, willBeCreated)) : undefined;
}

function summarizePruning(object: FollowingObject, reports: readonly RegionReport[], now: Date): Summary | undefined {
  const pruned = reports.filter(({ region }) => !region.spec && !region.home);
  if (pruned.length === 0) return undefined;
  const blocked = pruned.filter(isBlocked);
  if (blocked.length > 0) return stalled(reasonOfBlock(blocked), summarizeRegions(rowsOf(blocked)));
  const times = pruned.flatMap(({ steps: [step] }) => step?.hold?.notBefore ?? []);
  const [first] = times.sort();
  const isDelayed = first !== undefined && times.length === pruned.length;
  const when = isDelayed ? ` from ${timeOfDay(first, now)} on (spec.${pruneDelayOf(object.spec).field})` : '';
  const heldBySource = pruneHold(object, false);
  const why = heldBySource !== undefined && pruned.every(({ steps: [step] }) => step?.hold?.message === heldBySource);
  const message = `pruning ${listing(rowsOf(pruned))}${when}: ${why ? heldBySource : whyUnwanted(object.spec)}`;
  return moving('Pruning', 'Pruning', message);
}

/** PruneBlocked means that Azure refused the prune. Prunes held back by the operator keep their own reason. */
function reasonOfBlock(blocked: readonly RegionReport[]): Reason {
  const ours = (['Contended', 'ProgressDeadlineExceeded'] as const).find((reason) =>
    blocked.every(({ progress }) => progress.reason === reason),
  );
  return ours ?? 'PruneBlocked';
}

function isBlocked({ progress }: RegionReport): boolean {
  return progress.kind === 'blocked';
}

function reasonOf({ progress }: RegionReport): Reason {
  return progress.reason as Reason;
}

function rowsOf(reports: readonly RegionReport[]): RegionStatus[] {
  return reports.flatMap(({ row }) => row ?? []);
}

/** True of an Absent region that the operator will create by itself. */
function willBeCreated({ reason }: RegionStatus): boolean {
  return !needsIntervention(reason);
}

/** The conditions, without times. Nothing is created while an obstacle blocks all steps. */
export function statements(
  { spec, metadata }: RegistryReplication,
  { obstacle }: Plan,
  summary: Summary,
  listed: readonly RegionReport[],
): Statement[] {
  const manages = spec.mode !== 'Observe';
  const creates = manages && metadata.deletionTimestamp === undefined && !obstacle ? willBeCreated : undefined;
  const { ready, reason, message, stalled } = summary;
  return [
    { type: 'Ready', status: ready ? 'True' : 'False', reason, message },
    availability(listed, creates),
    ...(ready || stalled || !manages ? [] : [{ type: 'Reconciling', status: 'True', reason, message } as const]),
    ...(stalled ? [{ type: 'Stalled', status: 'True', reason, message } as const] : []),
  ];
}

function availability(listed: readonly RegionReport[], creates: Creates | undefined): Statement {
  const type = 'Available';
  const waiting = listed.filter(({ region }) => region.state !== 'Ready');
  if (listed.length === 0) return { type, status: 'False', reason: 'NoRegions', message: noRegions };
  return waiting.length === 0
    ? { type, status: 'True', reason: 'AllRegionsReady', message: 'every listed region is ready' }
    : { type, status: 'False', reason: 'RegionsNotReady', message: inStates(rowsOf(waiting), creates) };
}
