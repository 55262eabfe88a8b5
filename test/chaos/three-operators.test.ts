// Three operators, of which one works and two stand by, while hundreds of objects converge: the leader is killed again and again,
// and started again as a standby. LEADERSHIP_SEED repeats the objects of a run, but not its timing.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { percentile } from '../bench/statistics.ts';
import { seeded } from '../emulators/arm/random.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { type Contender, isOf, leaseHistory, startContender, writesOutsideTerms } from './contenders.ts';
import { emptyStates, firstRegions } from './desired-state.ts';
import type { LeaseHistory } from './lease-history.ts';
import { needlessWrites } from './mismatches.ts';
import { type Recovery, waitForRecovery } from './recovery.ts';
import { peakMemory } from './resource-usage.ts';
import { Workload } from './workload.ts';

const seed = Number(process.env.LEADERSHIP_SEED ?? Math.floor(Math.random() * 1e9));
const objects = Number(process.env.LEADERSHIP_OBJECTS ?? 100);
const kills = 15;
const killEveryMs = Number(process.env.LEADERSHIP_KILL_EVERY_S ?? 20) * 1_000;
/** The defaults times 0.6. */
const lease = { durationMs: 9_000, renewDeadlineMs: 6_000, retryPeriodMs: 1_200 };
/** New replicas are Syncing for 3 s, at 100 MB/s. */
const contentBytes = 300_000_000;
/** More than all requests of a run: the emulator's journal must be complete. */
const journalLength = 2_000_000;
/** ms; for a hang. */
const recoveryTimeoutMs = 900_000;

describe(`three operators whose leader is killed again and again while ${objects} objects converge`, function () {
  this.timeout(2_400_000);
  const random = seeded(seed);
  // Nine objects or fewer share a subscription: ARM's rate limit is not tested here.
  const desiredStates = emptyStates(objects, { prefix: 'three', subscriptions: Math.max(10, Math.ceil(objects / 9)) });
  const contenders: Contender[] = [];
  const killed: Contender[] = [];
  const ends: { readonly contender: Contender; readonly code: number | null }[] = [];
  /** ms. */
  const takeovers: number[] = [];
  /** Bytes. */
  const peaks: number[] = [];
  let isOver = false;
  let environment: TestEnvironment;
  let history: LeaseHistory;
  let workload: Workload;
  let outcome: Recovery | undefined;
  let lastExits: (number | null)[] = [];
  const times = { created: 0, lastKill: 0, ready: 0 };

  before(async () => {
    console.log(`    seed ${seed}`);
    environment = await startTestEnvironment({
      arm: { timings: realistic, seed, journalLength, registryDefaults: { contentBytes } },
    });
    for (const { registry } of desiredStates) environment.arm.azure.addRegistry(registry, { location: 'eastus' });
    workload = new Workload(environment.kubeconfig, desiredStates, random);
    history = await leaseHistory(environment, start());
    start();
    start();

    times.created = performance.now();
    await Promise.all([createAll(), killLeaders()]);
    outcome = await waitForRecovery(workload, environment.arm, desiredStates, recoveryTimeoutMs, 2_000);
    times.ready = performance.now();
    const last = await leader();
    peaks.push(await peakMemory(last.operator.process.pid ?? 0));
    isOver = true;
    // The standbys first, so that none takes over.
    const standbys = contenders.filter((contender) => contender !== last && contender.operator.isRunning());
    lastExits = await Promise.all(standbys.map(({ operator }) => operator.stop()));
    lastExits.push(await last.operator.stop());
  });

  after(async () => {
    isOver = true;
    report();
    await Promise.all([workload?.close(), history?.close()]);
    await environment?.close();
  });

  it('bring every object to Ready, and every replica to Azure', () => {
    expect(outcome?.wrongObjects).to.deep.equal([]);
    expect(outcome?.wrongReplicas).to.deep.equal([]);
  });

  it('create each replica with one PUT, and write nothing else', () => {
    const { writes } = environment.arm.journal;
    expect(environment.arm.journal.entries).to.have.length.below(journalLength);
    expect(needlessWrites(desiredStates, writes)).to.deep.equal([]);
    expect(writes.filter(({ method }) => method !== 'PUT')).to.deep.equal([]);
    expect(writes).to.have.length(replicas());
  });

  it('write to ARM only while holding the Lease', () => {
    const { writes } = environment.arm.journal;
    expect(writesOutsideTerms(writes, contenders, history.terms)).to.deep.equal([]);
    expect(new Set(writes.map(({ clientId }) => clientId))).to.have.length.above(1);
  });

  it('ask ARM for nothing while they stand by', () => {
    const standbys = contenders.filter((contender) => !history.terms.some(isOf(contender)));
    const asking = new Set(environment.arm.journal.entries.map(({ clientId }) => clientId));
    expect(standbys).to.not.be.empty;
    expect(standbys.filter(({ clientId }) => asking.has(clientId)).map(({ name }) => name)).to.deep.equal([]);
  });

  it('pass the Lease on once for each leader that ended, never back to an earlier holder', () => {
    const holders = history.terms.map(({ holder }) => holder);
    // More if a leader has lost the Lease by itself on a busy machine.
    expect(holders).to.have.length.of.at.least(kills + 1);
    expect(new Set(holders).size).to.equal(holders.length);
    expect(history.transitions).to.equal(holders.length - 1);
  });

  it('end only when they are killed, lose the Lease or are stopped', () => {
    const ownEnds = ends.filter(({ contender }) => !killed.includes(contender));
    const lost = ({ contender: { operator }, code }: (typeof ends)[number]) =>
      code === 1 && operator.log.at(-1)?.msg.includes('nothing more is written, and this process ends');
    expect(ownEnds.filter((end) => !lost(end)).map(({ contender, code }) => [contender.name, code])).to.deep.equal([]);
    expect(lastExits).to.deep.equal([0, 0, 0]);
  });

  /** Starts an operator, and another one when it ends, as a Deployment does. */
  function start(): Contender {
    const contender = startContender(environment, contenders.length + 1, lease);
    contenders.push(contender);
    void contender.operator.exited.then((code) => {
      if (isOver) return;
      ends.push({ contender, code });
      start();
    });
    return contender;
  }

  /** Half of the objects at once, the others until the last kill, so that each leader has some to begin with. */
  async function createAll(): Promise<void> {
    const left = [...desiredStates];
    const create = async () => {
      const next = left.shift();
      if (next) await workload.create(next, firstRegions(random, 5));
    };
    const burst = async () => {
      while (left.length > objects / 2 && !isOver) await create();
    };
    await Promise.all(Array.from({ length: 4 }, burst));
    while (left.length > 0 && !isOver) {
      const leftMs = times.created + kills * killEveryMs - performance.now();
      await sleep(Math.max(0, leftMs / left.length));
      await create();
    }
  }

  /** A leader that took over late, on a busy machine, still leads for a while. */
  async function killLeaders(): Promise<void> {
    let next = performance.now() + killEveryMs;
    while (killed.length < kills && !isOver) {
      await sleep(next - performance.now());
      next = performance.now() + killEveryMs;
      await killLeader();
      next = Math.max(next, performance.now() + killEveryMs / 2);
    }
    times.lastKill = performance.now();
  }

  /** The contender that leads now, or the next one if it has just lost the Lease by itself. */
  async function leader(): Promise<Contender> {
    for (;;) {
      const last = history.terms.length - 1;
      const found = contenders.find((contender) => history.terms.slice(last).some(isOf(contender)));
      if (found?.operator.isRunning()) return found;
      await history.term((_, index) => index > last);
    }
  }

  async function killLeader(): Promise<void> {
    const victim = await leader();
    const peak = await peakMemory(victim.operator.process.pid ?? 0);
    const terms = history.terms.length;
    const at = performance.now();
    // It has an exit code if it has just ended by itself, since it had lost the Lease.
    if ((await victim.operator.stop('SIGKILL')) !== null) return;
    killed.push(victim);
    peaks.push(peak);
    await history.term((_, index) => index >= terms);
    takeovers.push(performance.now() - at);
  }

  function replicas(): number {
    return desiredStates.reduce((sum, { regions }) => sum + regions.length, 0);
  }

  function report(): void {
    const { writes, entries } = environment.arm.journal;
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    const lines = [
      `${objects} objects with ${replicas()} replicas; ${killed.length} leaders killed, ${ends.length - killed.length} ended by themselves`,
      `taken over in p50 ${Math.round(percentile(takeovers, 0.5))} ms, longest ${Math.round(Math.max(...takeovers))} ms, with a lease of ${lease.durationMs} ms`,
      `${writes.length} writes to ARM by ${new Set(writes.map(({ clientId }) => clientId)).size} operators; ${entries.length} requests in all`,
      `all Ready ${seconds(times.ready - times.created)} after the first creation, ${seconds(times.ready - times.lastKill)} after the last take-over, which came after ${seconds(times.lastKill - times.created)}; seed ${seed}`,
      `peak resident memory of a leader: p50 ${(percentile(peaks, 0.5) / 1e6).toFixed(0)} MB, largest ${(Math.max(...peaks) / 1e6).toFixed(0)} MB`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
