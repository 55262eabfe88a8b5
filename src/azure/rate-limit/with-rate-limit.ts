// Puts a rate limiter before the requests of one pass. A request without a token is rejected at once and not sent.
import type { Arm, ArmError } from '../arm.ts';
import type { Operation } from './limits.ts';
import { type Caller, notSent, type RateLimiter } from './rate-limiter.ts';

/** A wait for the expected writes up to which the reads are held back, too. */
const maxReadHoldMs = 60_000;

/**
 * Rejects with an ArmError `NotSent` where there is no token; then every later request of that kind is rejected until the next
 * pass. Further pages of a LIST, and the read of a failed operation, are charged when they are sent: see {@link RateLimiter.send}.
 */
export function withRateLimit(arm: Arm, limiter: RateLimiter, caller: Caller): Arm {
  const started = new Set<Operation>();
  const refusals = new Map<Operation, ArmError>();

  function take(subscriptionId: string, operation: Operation): ArmError | undefined {
    if (started.has(operation)) return refusal(operation, limiter.proceed(subscriptionId, operation, caller));
    started.add(operation);
    for (const expected of operation === 'reads' ? (caller.expects ?? []) : []) {
      const waitMs = limiter.mayStart(subscriptionId, expected, caller);
      if (waitMs <= maxReadHoldMs && waitMs > 0) return refusal(expected, waitMs);
    }
    return refusal(operation, limiter.start(subscriptionId, operation, caller));
  }

  async function limited<T>(operation: Operation, subscriptionId: string, send: () => Promise<T>): Promise<T> {
    const refused = refusals.get(operation) ?? take(subscriptionId, operation);
    if (!refused) return send();
    refusals.set(operation, refused);
    limiter.reportHeld(operation, caller);
    throw refused;
  }

  return {
    registry: (of) => limited('reads', of.subscriptionId, () => arm.registry(of)),
    replicas: (of) => limited('reads', of.subscriptionId, () => arm.replicas(of)),
    replica: (of, name) => limited('reads', of.subscriptionId, () => arm.replica(of, name)),
    create: (of, name, replica) => limited('writes', of.subscriptionId, () => arm.create(of, name, replica)),
    update: (of, name, change) => limited('writes', of.subscriptionId, () => arm.update(of, name, change)),
    failure: (of, name) => arm.failure(of, name),
    locations: (subscriptionId) => limited('reads', subscriptionId, () => arm.locations(subscriptionId)),
    remove: (of, name) => limited('deletes', of.subscriptionId, () => arm.remove(of, name)),
  };
}

function refusal(operation: Operation, waitMs: number): ArmError | undefined {
  return waitMs > 0 ? notSent(operation, waitMs) : undefined;
}
