// Arm within its budget: each request takes its token first, or is refused without being sent. It never waits and never retries.
import type { Arm, RegistryReference } from './arm.ts';
import type { Budget, Visitor } from './budget.ts';
import type { Operation } from './shares.ts';

/**
 * The same eight requests for one pass of one object. Where the budget does not allow a request, it rejects with `Throttled`, and
 * with `retryAfter` as the ms until this visitor's turn; then so does every later request of its kind, until another pass.
 * Pages of a LIST after the first are charged as they are sent: see {@link Budget.sent}.
 */
export function paced(arm: Arm, budget: Budget, visitor: Visitor): Arm {
  const visit = budget.visit(visitor);

  async function within<T>(
    operation: Operation,
    of: Pick<RegistryReference, 'subscriptionId'>,
    send: () => Promise<T>,
  ): Promise<T> {
    const over = visit.ask(of.subscriptionId, operation);
    try {
      return await send();
    } finally {
      over();
    }
  }

  return {
    registry: (of) => within('reads', of, () => arm.registry(of)),
    replicas: (of) => within('reads', of, () => arm.replicas(of)),
    replica: (of, name) => within('reads', of, () => arm.replica(of, name)),
    create: (of, name, replica) => within('writes', of, () => arm.create(of, name, replica)),
    update: (of, name, change) => within('writes', of, () => arm.update(of, name, change)),
    // At most one request for each failure; it is charged as it is sent.
    failure: (of, name) => arm.failure(of, name),
    locations: (subscriptionId) => within('reads', { subscriptionId }, () => arm.locations(subscriptionId)),
    remove: (of, name) => within('deletes', of, () => arm.remove(of, name)),
  };
}
