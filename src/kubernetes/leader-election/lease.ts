// The Lease as a record of who leads: what a process may conclude from what it has seen of it, and what it writes into it
// next. Pure: no request, no timer. The rules are those of client-go's leaderelection, so that programs of either kind may
// share a Lease.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';

/** `coordination.k8s.io/v1`, as it is on the wire; times in RFC 3339 with microseconds. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    /** Missing or empty: nobody's. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** All in ms; `renewDeadline` is shorter than `leaseDuration`, and `retryPeriod` shorter than that. */
export interface LeaseTimings {
  /** How long others wait after the last renewal that they have seen before they take the Lease. */
  readonly leaseDurationMs: number;
  /** How long the leader goes on after its last renewal. */
  readonly renewDeadlineMs: number;
  /** From one renewal, or one look of a standby, to the next. */
  readonly retryPeriodMs: number;
}

/** A moment on this process's two clocks, in ms. No moment is ever compared with one of another process. */
export interface Moment {
  /** Never set, never steps back; stands still while the machine sleeps. */
  readonly monotonic: number;
  /** The time of day. */
  readonly wall: number;
}

/** Unknown → Standby → Leading → Lost, or → Stopped from anywhere; only a new process begins again. */
export type LeaderState =
  /** The Lease has not been seen yet. */
  | { readonly phase: 'Unknown' }
  | Standby
  | Leading
  | { readonly phase: 'Lost'; readonly why: string }
  | { readonly phase: 'Stopped' };

export interface Standby {
  readonly phase: 'Standby';
  /** As last read; undefined: there is none. */
  readonly lease: Lease | undefined;
  /** Who held it when it was last there; empty: nobody. */
  readonly holder: string;
  /** ms that this record stands for, by its own word. */
  readonly durationMs: number;
  /** When this record was first seen. Its own timestamps are another machine's and mean nothing here. */
  readonly observedAt: Moment;
}

export interface Leading {
  readonly phase: 'Leading';
  /** As last stored. */
  readonly lease: Lease;
  /** When the last renewal that was stored had been *sent*: whoever waits for us cannot have seen it earlier. */
  readonly renewedAt: Moment;
}

export function holderOf(lease: Lease | undefined): string {
  return lease?.spec?.holderIdentity ?? '';
}

/**
 * What a candidate knows after a look. An unchanged record goes on ageing; a changed one is as fresh as the look. A Lease
 * that somebody has deleted frees nobody's place: its holder may not know yet.
 */
export function observeLease(
  before: LeaderState,
  lease: Lease | undefined,
  now: Moment,
  timings: LeaseTimings,
): Standby {
  const known = before.phase === 'Standby' ? before : undefined;
  if (!lease) {
    return known
      ? { ...known, lease: undefined }
      : { phase: 'Standby', lease: undefined, holder: '', durationMs: 0, observedAt: now };
  }
  const seconds = lease.spec?.leaseDurationSeconds ?? 0;
  return {
    phase: 'Standby',
    lease,
    holder: holderOf(lease),
    durationMs: seconds > 0 ? seconds * 1000 : timings.leaseDurationMs,
    observedAt: known?.lease && isDeepStrictEqual(known.lease.spec, lease.spec) ? known.observedAt : now,
  };
}

/** ms until this candidate may take the Lease; 0: now. What it claimed itself, without having seen the answer, is its own. */
export function msUntilFree({ holder, durationMs, observedAt }: Standby, identity: string, now: Moment): number {
  if (holder === '' || holder === identity) return 0;
  // By the monotonic clock alone: one that is set forward must not shorten another's time.
  return Math.max(0, observedAt.monotonic + durationMs - now.monotonic);
}

/**
 * ms for which the leader may still write; 0: no more. Counted by whichever clock has gone further: the monotonic one stands
 * still while a machine sleeps, and the time of day may be set back.
 */
export function msUntilDeadline({ renewedAt }: Leading, now: Moment, { renewDeadlineMs }: LeaseTimings): number {
  const passed = Math.max(now.monotonic - renewedAt.monotonic, now.wall - renewedAt.wall);
  return Math.max(0, renewDeadlineMs - passed);
}

/** The Lease with `identity` as its holder: renewed where it was already, else acquired now, which is one more transition. */
export function withHolder(lease: Lease, identity: string, now: Date, { leaseDurationMs }: LeaseTimings): Lease {
  const { acquireTime, leaseTransitions = 0 } = lease.spec ?? {};
  const isRenewal = holderOf(lease) === identity;
  const isFirst = lease.spec === undefined;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      // Whole seconds only: rounded up, since others count on it.
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isRenewal && acquireTime !== undefined ? acquireTime : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: isRenewal || isFirst ? leaseTransitions : leaseTransitions + 1,
    },
  };
}

/** The Lease without a holder: free for anyone at once, and for programs that count anyway, after a second. */
export function released(lease: Lease, now: Date): Lease {
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      acquireTime: microTime(now),
      renewTime: microTime(now),
    },
  };
}

function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
