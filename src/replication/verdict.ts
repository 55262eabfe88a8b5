// Summarizes the rows and the remaining steps as phase and conditions, with messages for users. Pure.
import type { Statement } from '../api/conditions.ts';
import type { Phase, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { areOrIs, forceDetachHint, inStates, listing, summarizeRegions } from './messages.ts';
import type { Plan, Step } from './plan.ts';
import { needsIntervention, type Reason } from './reasons.ts';

export interface Summary {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason: Reason;
  readonly message: string;
  /** A user must act. */
  readonly stalled: boolean;
}

export function summarize(
  object: RegistryReplication,
  { obstacle }: Plan,
  rows: readonly RegionStatus[],
  left: readonly Step[],
): Summary {
  const { spec, metadata } = object;
  const leaving = metadata.deletionTimestamp !== undefined;
  const phaseOf = (phase: Phase): Phase => (leaving ? 'Deleting' : spec.mode === 'Observe' ? 'Observing' : phase);
  const stalled = (reason: Reason, message: string): Summary => ({
    phase: phaseOf('Failed'),
    ready: false,
    reason,
    message,
    stalled: true,
  });
  const moving = (phase: Phase, reason: Reason, message: string): Summary => ({
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
  const refused = rows.filter(({ reason }) => needsIntervention(reason));
  const [first] = refused;
  if (leaving) {
    if (first) return stalled(first.reason as Reason, summarizeRegions(refused) + forceDetachHint(object));
    const still = rows.filter(
      ({ home, location, state }) => !home && (state === 'Deleting' || left.some((step) => step.location === location)),
    );
    const message = still.length > 0 ? `waits until Azure has deleted ${listing(still)}` : summarizeRegions(rows);
    return moving('Deleting', 'Deleting', message);
  }
  const routing = rows.filter(({ reason }) => reason === 'LastRoutedRegion');
  if (routing.length > 0) return stalled('LastRoutedRegion', summarizeRegions(routing));
  const listed = rows.filter(({ desired }) => desired);
  const refusedListed = listed.filter((row) => refused.includes(row));
  const [blocking] = refusedListed;
  if (blocking) return stalled(blocking.reason as Reason, summarizeRegions(refusedListed));
  const failed = listed.filter(({ state }) => state === 'Failed');
  if (failed.length > 0) return moving('Syncing', 'RegionFailed', summarizeRegions(failed));
  if (spec.mode === 'Observe' && left.length > 0)
    return moving(
      'Observing',
      'OutOfSync',
      `mode Observe changes nothing; status.plan shows ${left.length === 1 ? 'the action' : `the ${left.length} actions`} that mode Manage would take`,
    );
  const coming = listed.flatMap((row) => {
    if (row.state !== 'Ready') return [row];
    const step = left.find(({ location }) => location === row.location);
    return step ? [{ ...row, message: row.message ?? step.message }] : [];
  });
  if (coming.length > 0) return moving('Syncing', 'Syncing', summarizeRegions(coming));
  const pruning = spec.prune === 'Retain' ? [] : rows.filter(({ desired, home }) => !desired && !home);
  if (pruning.length > 0) {
    const blocked = pruning.filter((row) => refused.includes(row));
    if (blocked.length > 0) return stalled(reasonOfBlock(blocked), summarizeRegions(blocked));
    const waiting = pruning.flatMap(
      ({ location }) => left.find((step) => step.location === location)?.hold?.notBefore ?? [],
    );
    const when = waiting.length === pruning.length ? `, from ${waiting.sort()[0]} on (spec.pruneDelay)` : '';
    return moving('Syncing', 'Pruning', `pruning ${listing(pruning)} (not in spec.regions)${when}`);
  }
  return {
    phase: phaseOf('Ready'),
    ready: true,
    reason: 'AllRegionsReady',
    message: `${listing(listed)} ${areOrIs(listed)} ready`,
    stalled: false,
  };
}

/** PruneBlocked means that Azure refused the prune. Prunes held back by the operator keep their own reason. */
function reasonOfBlock(blocked: readonly RegionStatus[]): Reason {
  const ours = (['Contended', 'ProgressDeadlineExceeded'] as const).find((reason) =>
    blocked.every((row) => row.reason === reason),
  );
  return ours ?? 'PruneBlocked';
}

export function statements(
  verdict: Summary,
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
      : { type: 'Available', status: 'False', reason: 'RegionsNotReady', message: inStates(waiting) },
    ...(ready || stalled || !manages ? [] : [{ type: 'Reconciling', status: 'True', reason, message } as const]),
    ...(stalled ? [{ type: 'Stalled', status: 'True', reason, message } as const] : []),
  ];
}
