// One row of the status for each region: its state as seen, what this object owns there, and what stands in its way. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import type { Plan } from './plan.ts';
import type { Result } from './progress.ts';
import { isoSeconds, type Region, restsUntil } from './regions.ts';
import { keysOwned } from './tags.ts';
import { quarterOf, slowly } from './waiting.ts';

/** A region that is neither listed nor home is shown until it is gone. */
export function isWorthARow({ asked, home, state, replica, unseen }: Region): boolean {
  return asked !== undefined || home || replica !== undefined || unseen !== undefined || state !== 'Absent';
}

export function rowFor(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): RegionStatus {
  const { location, name, replica, asked, home, state, since, readyOnce } = region;
  const owned = tagsOwned(object, region);
  return {
    location,
    ...((replica || (!home && state !== 'Absent')) && { replica: name }),
    desired: asked !== undefined,
    home,
    state,
    ...(replica?.provisioningState !== undefined && { provisioningState: replica.provisioningState }),
    ...(replica?.displayStatus !== undefined && { displayStatus: replica.displayStatus }),
    ...(replica && { routing: replica.routing ? 'Enabled' : 'Disabled' }),
    since,
    ...(asked && { readyOnce }),
    ...(owned.length > 0 && { managedTags: [...owned] }),
    ...troubleOf(object, region, plan, results, now),
  };
}

/** Whether a person has to act before Azure takes the write. */
export function isRefusal(reason: string | undefined): boolean {
  const mendsItself: (string | undefined)[] = ['Throttled', 'Conflict', 'AzureUnreachable', 'NotFound', undefined];
  return !mendsItself.includes(reason);
}

function tagsOwned({ spec }: RegistryReplication, { asked, replica, proven, before }: Region): readonly string[] {
  const owned = before?.managedTags ?? [];
  if (!asked || spec.mode === 'Observe') return owned;
  // Where nothing was seen, nothing is known to be gone.
  const present = replica ? replica.tags : proven ? {} : Object.fromEntries(owned.map((key) => [key, '']));
  return keysOwned(present, asked.tags ?? {}, owned);
}

type Trouble = Pick<RegionStatus, 'reason' | 'message' | 'retryAfter'>;

/** ms of Syncing after which it is worth a word. Azure documents no bound: it grows with the registry's content. */
const longSyncing = 3_600_000;

/** What stands in this region's way, from the newest to the oldest evidence. */
function troubleOf(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): Trouble {
  const { location, name, asked, home, state, since, replica, unseen, before } = region;
  const answer = results.find(({ step }) => step.location === location)?.answer;
  if (answer && 'error' in answer) {
    const { reason, message } = answer.error;
    const retryAfter = nextWholeSecond(now.getTime() + patience(object, answer.error, before, now));
    return { reason, message, retryAfter };
  }
  const held = plan.steps.find((step) => step.location === location && step.hold)?.hold;
  if (held && before && restsUntil(before, now)) return lastTrouble(before);
  if (unseen) return { ...(isRefusal(unseen.reason) && { reason: unseen.reason }), message: unseen.message };
  if (held?.reason) return { reason: held.reason, message: `${name} ${held.message}` };
  if (state === 'Failed') return { message: wordsOfFailure(object, region) };
  if (state === 'Syncing' && now.getTime() - Date.parse(since) > longSyncing)
    return { message: `has been Syncing since ${since}; a large registry takes hours, and Azure shows no progress` };
  if (home && !replica && (asked?.tags || asked?.routing === 'Disabled'))
    return { message: 'Azure has made no entry for the home region yet; routing and tags are set once it has' };
  return replica?.statusMessage ? { message: replica.statusMessage } : {};
}

function lastTrouble({ reason, message, retryAfter }: RegionStatus): Trouble {
  return { ...(reason && { reason }), ...(message && { message }), ...(retryAfter && { retryAfter }) };
}

function wordsOfFailure({ spec }: RegistryReplication, { name, asked, home, replica }: Region): string {
  const words = replica?.statusMessage ? ` (${replica.statusMessage})` : '';
  const failure = `Azure reports replica ${name} as ${replica?.provisioningState}${words}`;
  if (home) return `${failure}; only Azure can mend the home region: open a support request`;
  if (!asked) return failure;
  return `${failure}; it cannot be mended in place. Delete it, and it is created again: az acr replication delete --registry ${spec.registry.name} --name ${name}`;
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
