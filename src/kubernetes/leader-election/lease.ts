// The rules of a Lease: when a candidate may take it, how long the leader may write, and what is written into it. Pure. The rules
// are those of client-go's leaderelection, so programs that use client-go can share a Lease with this one.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';

/** A Lease of `coordination.k8s.io/v1` in JSON; times are RFC 3339 with microseconds. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    /** Missing or empty if the Lease is free. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** client-go's names. `leaseDurationMs` > `renewDeadlineMs` > `retryPeriodMs`. */
export interface LeaseTimings {
  /** A candidate takes the Lease when it has seen no renewal for so long. */
  readonly leaseDurationMs: number;
  /** The leader stops writing so long after its last renewal. */
  readonly renewDeadlineMs: number;
  /** Time between two renewals of the leader, or two reads of a standby. */
  readonly retryPeriodMs: number;
}

/** A time on both clocks of this process, in ms. Times of different processes are never compared. */
export interface Moment {
  /** Never set and never steps back; stops while the machine sleeps. */
  readonly monotonic: number;
  /** Since the epoch. */
  readonly wall: number;
}

/** Unknown → Standby → Leading → Lost; any state but Lost → Stopped. Lost and Stopped are final. */
export type LeaderState =
  /** The Lease has not been read yet. */
  | { readonly phase: 'Unknown' }
  | Standby
  | Leading
  | { readonly phase: 'Lost'; readonly why: string }
  | { readonly phase: 'Stopped' };

export interface Standby {
  readonly phase: 'Standby';
  /** As last read; undefined if it does not exist. */
  readonly lease: Lease | undefined;
  /** The holder when the Lease last existed; empty if it was free. */
  readonly holder: string;
  /** The lease duration that the holder has written. */
  readonly durationMs: number;
  /** When this spec was first read. Its own timestamps are of another machine's clock and are not used. */
  readonly observedAt: Moment;
}

export interface Leading {
  readonly phase: 'Leading';
  /** As the API server last stored it. */
  readonly lease: Lease;
  /** When the last stored renewal was *sent*. Other candidates cannot have seen it earlier. */
  readonly renewedAt: Moment;
}

export function holderOf(lease: Lease | undefined): string {
  return lease?.spec?.holderIdentity ?? '';
}

/**
 * The state of a candidate after it has read the Lease. The age of an unchanged spec goes on; a changed spec starts at age 0.
 * A deleted Lease does not end the holder's term: the holder may not have noticed.
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

/** Time until this candidate may take the Lease; 0 if it holds the Lease itself, from a write whose response was lost. */
export function msUntilFree({ holder, durationMs, observedAt }: Standby, identity: string, now: Moment): number {
  if (holder === '' || holder === identity) return 0;
  // The monotonic clock only: setting the wall clock forward must not shorten the holder's term.
  return Math.max(0, observedAt.monotonic + durationMs - now.monotonic);
}

/**
 * Time for which the leader may still write. Counted by the clock that has advanced further: the monotonic clock stops while a
 * machine sleeps, and the wall clock may be set back.
 */
export function msUntilDeadline({ renewedAt }: Leading, now: Moment, { renewDeadlineMs }: LeaseTimings): number {
  const passedMs = Math.max(now.monotonic - renewedAt.monotonic, now.wall - renewedAt.wall);
  return Math.max(0, renewDeadlineMs - passedMs);
}

/** Returns the Lease with `identity` as its holder: a renewal if it is the holder already, else an acquisition. */
export function withHolder(lease: Lease, identity: string, now: Date, { leaseDurationMs }: LeaseTimings): Lease {
  const { acquireTime, leaseTransitions = 0 } = lease.spec ?? {};
  const isRenewal = holderOf(lease) === identity;
  const isFirst = lease.spec === undefined;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      // The API takes whole seconds. Rounded up, since other candidates wait for so long.
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isRenewal && acquireTime !== undefined ? acquireTime : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: isRenewal || isFirst ? leaseTransitions : leaseTransitions + 1,
    },
  };
}

/** Returns the Lease without a holder. The duration of 1 s is for programs that wait even without a holder. */
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
