// Two operators contend for one Lease while a workload changes objects; the leader is killed, or frozen and thawed, at random
// moments. ARM's journal tells the writers apart by client id, and a watch from outside records the holders of the Lease.
// LEADERSHIP_SEED repeats a run, but not its timing.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { percentile } from '../bench/statistics.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { AwakeClock } from './awake-clock.ts';
import { type Contender, isOf, leaseHistory, startContender, writesOutsideTerms } from './contenders.ts';
import { emptyStates } from './desired-state.ts';
import type { LeaseHistory } from './lease-history.ts';
import { needlessWrites } from './mismatches.ts';
import { type Recovery, waitForRecovery } from './recovery.ts';
import { Workload } from './workload.ts';

const seed = Number(process.env.LEADERSHIP_SEED ?? Math.floor(Math.random() * 1e9));
const kills = 20;
/** A leader that is frozen past its term and wakes while another leads must not write. */
const freezes = 5;
/** Long enough that a machine that pauses for three seconds costs no leader its Lease. */
const lease = { durationMs: 5_000, renewDeadlineMs: 4_000, retryPeriodMs: 500 };
const graceMs = 3_000;
const maxReignMs = 2_000;
/** ms; more than the minute for which a deletion waits for a creation that may have begun and that ARM does not show yet. */
const recoveryTimeoutMs = 300_000;

describe('two operators whose leader is killed or frozen again and again', function () {
  this.timeout(1_200_000);
  const random = seeded(seed);
  const started = performance.now();
  const desiredStates = emptyStates(60, { prefix: 'leader', subscriptions: 10 });
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
    workload = new Workload(environment.kubeconfig, desiredStates, random);
    let leader = start();
    history = await leaseHistory(environment, leader);
    await history.term(isOf(leader));
    let standby = start();

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
        [leader, standby] = [standby, start()];
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

  it(`have a new leader within ${(lease.durationMs + graceMs) / 1000} s each time`, () => {
    expect(takeovers).to.have.length(kills + freezes);
    expect(Math.max(...takeovers)).to.be.at.most(lease.durationMs + graceMs);
  });

  it('pass the Lease on once each time, never back to an earlier holder', () => {
    const holders = history.terms.map(({ holder }) => holder);
    // More if a leader has lost the Lease by itself on a busy machine.
    expect(holders).to.have.length.of.at.least(kills + freezes + 1);
    expect(new Set(holders).size).to.equal(holders.length);
    expect(history.transitions).to.equal(holders.length - 1);
  });

  it('write to ARM only while holding the Lease', () => {
    const { writes } = environment.arm.journal;
    expect(writes).to.not.be.empty;
    expect(writesOutsideTerms(writes, contenders, history.terms)).to.deep.equal([]);
  });

  it('exit after being frozen past the end of their term', () => {
    expect(exits).to.deep.equal(Array(freezes).fill(1));
  });

  it('lose no change, and write nothing twice', () => {
    expect(outcome?.wrongObjects).to.deep.equal([]);
    expect(outcome?.wrongReplicas).to.deep.equal([]);
    expect(needlessWrites(desiredStates, environment.arm.journal.writes)).to.deep.equal([]);
  });

  function start(): Contender {
    const contender = startContender(environment, contenders.length + 1, lease, ['--interval=24h']);
    contenders.push(contender);
    return contender;
  }

  function report(): void {
    const writers = new Set(environment.arm.journal.writes.map(({ clientId }) => clientId));
    const lines = [
      `${kills} leaders killed, ${exits.length} frozen and thawed; ${history.versions} versions of the Lease, ${history.terms.length} holders`,
      `taken over in p50 ${Math.round(percentile(takeovers, 0.5))} ms, longest ${Math.round(Math.max(...takeovers))} ms, with a lease of ${lease.durationMs} ms`,
      `${workload.changes.length} changes; ${environment.arm.journal.writes.length} writes to ARM by ${writers.size} operators`,
      `all was well ${((outcome?.ms ?? Number.NaN) / 1000).toFixed(1)} s after the last change; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
