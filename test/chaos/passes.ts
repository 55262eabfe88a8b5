// Finds in the operator's debug log the pass that answered each change, and the restarts of its watches.
import type { LogLine } from '../operator.ts';
import type { Change } from './workload.ts';

export interface Passes {
  /** Changes without any pass. */
  readonly missed: readonly Change[];
  /** For changes confirmed at the first attempt: ms from the API server's response to the start of the first pass that
   * knew of them, longest first. Passes that began before the response count as 0. */
  readonly waits: readonly { readonly change: Change; readonly ms: number }[];
}

/** @param unseen uids of objects that were gone before the operator must have seen them */
export function passesFor(changes: readonly Change[], log: readonly LogLine[], unseen: ReadonlySet<string>): Passes {
  const passes = Map.groupBy(
    log.filter(({ msg }) => msg === 'A pass begins'),
    ({ uid }) => String(uid),
  );
  const missed: Change[] = [];
  const waits: { change: Change; ms: number }[] = [];
  for (const change of changes) {
    if (unseen.has(change.uid)) continue;
    const pass = passes.get(change.uid)?.find(({ generation }) => Number(generation) >= change.generation);
    if (!pass) missed.push(change);
    else if (change.atFirstAttempt) {
      waits.push({ change, ms: Math.max(0, Date.parse(String(pass.time)) - change.answered) });
    }
  }
  waits.sort((one, other) => other.ms - one.ms);
  return { missed, waits };
}

/** ms since the epoch. */
export interface Silence {
  readonly from: number;
  readonly until: number;
}

/** From the start of each silence (`strikes`, ms since the epoch) until the watch began again. */
export function silences(strikes: readonly number[], log: readonly LogLine[]): Silence[] {
  const begins = log
    .filter(({ msg }) => msg.startsWith('Watching ') && (msg.endsWith('has begun') || msg.endsWith('works again')))
    .map(({ time }) => Date.parse(String(time)));
  return strikes.map((from) => ({ from, until: begins.find((begin) => begin > from) ?? Number.POSITIVE_INFINITY }));
}

export interface Watches {
  /** Watches begun, except the first one. */
  readonly restarts: number;
  /** How many of these followed an error. */
  readonly afterErrors: number;
  /** Errors of the watch or of a LIST. */
  readonly errors: number;
  /** LISTs beyond the first. */
  readonly relists: number;
}

export function watchesIn(log: readonly LogLine[]): Watches {
  const ofWatch = log.filter(({ msg }) => msg.startsWith('Watching '));
  const count = (words: string) => ofWatch.filter(({ msg }) => msg.includes(words)).length;
  const afterErrors = count('works again');
  return {
    restarts: count('has begun') + afterErrors - 1,
    afterErrors,
    errors: count(' failed: '),
    relists: count('had to begin with a new list'),
  };
}
