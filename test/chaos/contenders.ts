// Operator processes that contend for one Lease. Each has a client id of its own, by which ARM's journal tells them apart.
import { operatorAccount } from '../deployment.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import type { Operator } from '../operator.ts';
import type { TestEnvironment } from '../test-environment.ts';
import { LeaseHistory, type Term } from './lease-history.ts';

export interface Contender {
  readonly name: string;
  readonly clientId: string;
  readonly operator: Operator;
}

export interface LeaseFlags {
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** Begins when the first contender leads, so that the watch has a first event at once. */
export async function leaseHistory({ kubeconfig }: TestEnvironment, first: Contender): Promise<LeaseHistory> {
  await first.operator.logged(({ msg }) => msg.startsWith('Leading'));
  return LeaseHistory.of(kubeconfig, { namespace: operatorAccount.namespace, name: 'acr-replication-operator' });
}

/** Starts the contender with this number, from 1. */
export function startContender(
  { arm, startOperator }: TestEnvironment,
  number: number,
  { durationMs, renewDeadlineMs, retryPeriodMs }: LeaseFlags,
  flags: readonly string[] = [],
): Contender {
  const name = `operator-${number}`;
  const clientId = `33333333-3333-3333-3333-${String(number).padStart(12, '0')}`;
  arm.register(clientId);
  const lease = [
    `--leader-elect-lease-duration=${durationMs}ms`,
    `--leader-elect-renew-deadline=${renewDeadlineMs}ms`,
    `--leader-elect-retry-period=${retryPeriodMs}ms`,
  ];
  const operator = startOperator({
    args: ['--leader-elect=true', ...lease, ...flags],
    env: { POD_NAME: name, AZURE_CLIENT_ID: clientId },
  });
  return { name, clientId, operator };
}

export function isOf({ name }: Contender): (term: Term) => boolean {
  return ({ holder }) => holder.startsWith(`${name}_`);
}

/** Describes the writes outside of their writer's term. All processes share the machine's clock. */
export function writesOutsideTerms(
  writes: readonly JournalEntry[],
  contenders: readonly Contender[],
  terms: readonly Term[],
): string[] {
  return writes.flatMap(({ method, path, clientId, at }) => {
    const writer = contenders.find((contender) => contender.clientId === clientId);
    const index = writer ? terms.findIndex(isOf(writer)) : -1;
    const term = terms[index];
    const next = terms[index + 1];
    const what = `${method} ${path} by ${writer?.name} at ${at.toISOString()}`;
    if (!term) return `${what}, who never held the Lease`;
    if (at.getTime() < term.acquired) return `${what}, who did not hold the Lease yet`;
    if (next && at.getTime() >= next.acquired) return `${what}, when ${next.holder} held the Lease`;
    return [];
  });
}
