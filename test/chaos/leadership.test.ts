// Two operators contend for one Lease while a workload changes objects; the leader is killed, or frozen and thawed, at random
// moments. ARM's journal tells the writers apart by client id, and a watch from outside records the holders of the Lease.
// LEADERSHIP_SEED repeats a run, but not its timing.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { percentile } from '../bench/statistics.ts';
import { operatorAccount } from '../deployment.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import type { Operator } from '../operator.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { AwakeClock } from './awake-clock.ts';
import { DesiredState } from './desired-state.ts';
import { LeaseHistory } from './lease-history.ts';
import { needlessWrites } from './mismatches.ts';
import { type Recovery, waitForRecovery } from './recovery.ts';
import { Workload } from './workload.ts';

const seed = Number(process.env.LEADERSHIP_SEED ?? Math.floor(Math.random() * 1e9));
const kills = 20;
/** A leader that is frozen past its term and wakes while another leads must not write. */
const freezes = 5;
/** ms; long enough that a machine that pauses for three seconds costs no leader its Lease. */
const leaseDuration = 5_000;
const renewDeadline = 4_000;
const grace = 3_000;
const maxReignMs = 2_000;
/** ms; more than the minute for which a deletion waits for a creation that may have begun and that ARM does not show yet. */
const recoveryTimeoutMs = 300_000;

interface Contender {
  readonly name: string;
  readonly clientId: string;
  readonly operator: Operator;
}

describe('two operators whose leader is killed or frozen again and again', function () {
  this.timeout(1_200_000);
  const random = seeded(seed);
  const started = performance.now();
  const desiredStates = Array.from({ length: 60 }, (_, index) => {
    const subscription = String(index % 10).padStart(12, '0');
    const name = `leader${String(index).padStart(3, '0')}`;
    return new DesiredState({
      subscriptionId: `00000000-0000-0000-0000-${subscription}`,
      resourceGroup: 'chaos',
      name,
    });
  });
  const contenders: Contender[] = [];
  /** ms by the awake clock. */
  const takeovers: number[] = [];
  const exits: (number | null)[] = [];
  let awakeClock: AwakeClock;
  let environment: TestEnvironment;
  let history: LeaseHistory;
  let workload: Workload;
  let outcome: Recovery | undefined;

  before(async () => {
    console.log(`    seed ${seed}`);
    awakeClock = new AwakeClock();
    environment = await startTestEnvironment({ arm: { timings: fast, seed } });
    for (const { registry } of desiredStates) environment.arm.azure.addRegistry(registry, { location: 'eastus' });
    history = await LeaseHistory.of(environment.kubeconfig, {
      namespace: operatorAccount.namespace,
      name: 'acr-replication-operator',
    });
    workload = new Workload(environment.kubeconfig, desiredStates, random);
    let leader = startContender();
    await history.term(isOf(leader));
    let standby = startContender();

    const acting = setInterval(() => workload.changeSomething(), 100);
    try {
      for (let round = 1; round <= kills + freezes; round++) {
        // On a busy machine the leader may have lost the Lease by itself: then the other one leads already.
        await standby.operator.logged(({ msg }) => msg.includes('standing by') || msg.startsWith('Leading'));
        await sleep(random() * maxReignMs);
        const isFrozen = round % ((kills + freezes) / freezes) === 0;
        const at = awakeClock.now();
        leader.operator.process.kill(isFrozen ? 'SIGSTOP' : 'SIGKILL');
        await history.term(isOf(standby));
        takeovers.push(awakeClock.now() - at);
        if (isFrozen) {
          leader.operator.process.kill('SIGCONT');
          exits.push(await leader.operator.exited);
        }
        [leader, standby] = [standby, startContender()];
      }
    } finally {
      clearInterval(acting);
    }
    await workload.finish();
    outcome = await waitForRecovery(workload, environment.arm, desiredStates, recoveryTimeoutMs);
  });

  after(async () => {
    awakeClock.end();
    report();
    await Promise.all([workload?.close(), history?.close()]);
    await environment?.close();
  });

  it(`have a new leader within ${(leaseDuration + grace) / 1000} s each time`, () => {
    expect(takeovers).to.have.length(kills + freezes);
    expect(Math.max(...takeovers)).to.be.at.most(leaseDuration + grace);
  });

  it('pass the Lease on once each time, never back to an earlier holder', () => {
    const holders = history.terms.map(({ holder }) => holder);
    // More if a leader has lost the Lease by itself on a busy machine.
    expect(holders).to.have.length.of.at.least(kills + freezes + 1);
    expect(new Set(holders).size).to.equal(holders.length);
    expect(history.transitions).to.equal(holders.length - 1);
  });

  it('write to ARM only while holding the Lease', () => {
    expect(environment.arm.journal.writes).to.not.be.empty;
    expect(environment.arm.journal.writes.flatMap((write) => writeOutsideTerm(write) ?? [])).to.deep.equal([]);
  });

  it('exit after being frozen past the end of their term', () => {
    expect(exits).to.deep.equal(Array(freezes).fill(1));
  });

  it('lose no change, and write nothing twice', () => {
    expect(outcome?.wrongObjects).to.deep.equal([]);
    expect(outcome?.wrongReplicas).to.deep.equal([]);
    expect(needlessWrites(desiredStates, environment.arm.journal.writes)).to.deep.equal([]);
  });

  function startContender(): Contender {
    const number = contenders.length + 1;
    const name = `operator-${number}`;
    const clientId = `33333333-3333-3333-3333-${String(number).padStart(12, '0')}`;
    environment.arm.register(clientId);
    const terms = [
      `--leader-elect-lease-duration=${leaseDuration / 1_000}s`,
      `--leader-elect-renew-deadline=${renewDeadline / 1_000}s`,
    ];
    const operator = environment.startOperator({
      args: ['--leader-elect=true', ...terms, '--leader-elect-retry-period=500ms', '--interval=24h'],
      env: { POD_NAME: name, AZURE_CLIENT_ID: clientId },
    });
    const contender = { name, clientId, operator };
    contenders.push(contender);
    return contender;
  }

  function isOf({ name }: Contender) {
    return ({ holder }: { holder: string }) => holder.startsWith(`${name}_`);
  }

  /** Describes a write outside of its writer's term; else undefined. All processes share the machine's clock. */
  function writeOutsideTerm({ method, path, clientId, at }: JournalEntry): string | undefined {
    const writer = contenders.find((contender) => contender.clientId === clientId);
    const index = writer ? history.terms.findIndex(isOf(writer)) : -1;
    const term = history.terms[index];
    const next = history.terms[index + 1];
    const what = `${method} ${path} by ${writer?.name} at ${at.toISOString()}`;
    if (!term) return `${what}, who never held the Lease`;
    if (at.getTime() < term.acquired) return `${what}, who did not hold the Lease yet`;
    if (next && at.getTime() >= next.acquired) return `${what}, when ${next.holder} held the Lease`;
    return undefined;
  }

  function report(): void {
    const writers = new Set(environment.arm.journal.writes.map(({ clientId }) => clientId));
    const lines = [
      `${kills} leaders killed, ${exits.length} frozen and thawed; ${history.versions} versions of the Lease, ${history.terms.length} holders`,
      `taken over in p50 ${Math.round(percentile(takeovers, 0.5))} ms, longest ${Math.round(Math.max(...takeovers))} ms, with a lease of ${leaseDuration} ms`,
      `${workload.changes.length} changes; ${environment.arm.journal.writes.length} writes to ARM by ${writers.size} operators`,
      `all was well ${((outcome?.ms ?? Number.NaN) / 1000).toFixed(1)} s after the last change; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
