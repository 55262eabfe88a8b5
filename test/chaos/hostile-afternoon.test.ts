// `npm run test:chaos`: an ARM and a token endpoint that stall handshakes, tokens and bodies, truncate gzip, and send too much,
// 200 times in about eight minutes, while a workload edits objects. The operator's resource usage is compared before and after.
// HOSTILE_SEED repeats the faults and choices of a run, but not its timing; HOSTILE_LOG names a file for the operator's log.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import type { Operator } from '../operator.ts';
import { type Stage, setStage } from '../test-environment.ts';
import { Intent } from './desired-state.ts';
import { type Holdings, leastHoldings, lesser, peakMemory } from './holdings.ts';
import { drawHostileFaults, type HostileFault } from './hostile-faults.ts';
import { type Calm, calm } from './recovery.ts';
import { People } from './workload.ts';

const seed = Number(process.env.HOSTILE_SEED ?? Math.floor(Math.random() * 1e9));
const objects = 30;
const workers = 20;
/** Seconds; a renewal is due every 30 s, and some meet faults. */
const tokenLifetime = 90;
/** Bound on faults that have not met a request yet: more of them would only extend the outage. */
const maxPending = 10;
/** ms between changes of the workload, and, drawn uniformly, between one fault and the next. */
const editEvery = 1_500;
const lull = { least: 300, most: 2_500 };
/** ms for each wait, on a busy machine too. */
const patience = 240_000;
/** A request of each worker and one for a token may have a socket and a timer. */
const inFlight = workers + 1;
const memoryGrowth = 50e6;

describe('the operator with a hostile ARM and token endpoint', function () {
  this.timeout(1_800_000);
  const random = seeded(seed);
  const started = performance.now();
  const intents = Array.from({ length: objects }, (_, index) => {
    const subscription = String(index % 10).padStart(12, '0');
    const name = `hostile${String(index).padStart(3, '0')}`;
    return new Intent({ subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'chaos', name });
  });
  const struck: HostileFault[] = [];
  let directory: string;
  let stage: Stage;
  let elsewhere: ArmEmulator;
  let operator: Operator;
  let people: People;
  let metricsUrl: string;
  let first: Holdings;
  let last: Holdings;
  /** Bytes. */
  let peak = Number.NaN;
  let unmet: readonly string[] = [];
  let unchecked: readonly string[] = [];
  let outcome: Calm | undefined;

  before(async () => {
    console.log(`    seed ${seed}`);
    await setTheScene();
    await people.finish();
    const { wrongObjects, wrongReplicas } = await calm(people, stage.arm, intents, patience);
    expect([...wrongObjects, ...wrongReplicas], 'before any fault').to.deep.equal([]);
    first = await leastHoldings(pid(), port(), metricsUrl);

    await storm();
    await people.finish();
    outcome = await calm(people, stage.arm, intents, patience);
    unchecked = await objectsNotChecked();
    last = await holdingsAfter();
    peak = await peakMemory(pid());
  });

  after(async () => {
    report();
    if (process.env.HOSTILE_LOG) {
      await writeFile(
        process.env.HOSTILE_LOG,
        (operator?.log ?? []).map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
    }
    await people?.close();
    await Promise.all([stage?.close(), elsewhere?.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  it('brings every object to its desired state, in Kubernetes and in Azure', () => {
    expect(outcome?.wrongObjects).to.deep.equal([]);
    expect(outcome?.wrongReplicas).to.deep.equal([]);
  });

  it('keeps checking every object for drift', () => {
    expect(unchecked).to.deep.equal([]);
  });

  it('meets every fault', () => {
    expect(unmet).to.deep.equal([]);
    expect(struck).to.have.length(200);
  });

  it('uses no more sockets, timers and memory than before', () => {
    expect(growth()).to.deep.equal([]);
  });

  it('sends nothing to another origin that ARM names in a nextLink', () => {
    expect(elsewhere.journal.entries).to.deep.equal([]);
    expect(elsewhere.connections.accepted).to.equal(0);
  });

  it('is still the same process, with nothing on its stderr', () => {
    expect(operator.isRunning()).to.equal(true);
    expect(operator.noise).to.deep.equal([]);
  });

  async function setTheScene(): Promise<void> {
    directory = await mkdtemp(join(tmpdir(), 'hostile-'));
    stage = await setStage({ arm: { timings: fast, seed, tokenLifetime } });
    elsewhere = await startArmEmulator();
    for (const { registry } of intents) stage.arm.azure.addRegistry(registry, { location: 'eastus' });
    // The operator trusts the other origin's certificate too: only its own check of the origin protects it.
    const certificates = join(directory, 'certificates.pem');
    await writeFile(certificates, `${stage.arm.certificate}\n${elsewhere.certificate}`);
    operator = stage.startOperator({
      args: ['--interval', '10s', '--concurrency', String(workers), '--metrics-secure=false'],
      env: { NODE_EXTRA_CA_CERTS: certificates },
    });
    const { metricsPort } = await operator.said((line) => line.metricsPort !== undefined);
    metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    await operator.said(({ msg }) => msg.includes('passes begin'));
    people = new People(stage.kubeconfig, intents, random);
  }

  async function storm(): Promise<void> {
    const { faults } = stage.arm.azure;
    const acting = setInterval(() => people.act(), editEvery);
    try {
      for (const fault of drawHostileFaults(random, elsewhere.url)) {
        await sleep(lull.least + random() * (lull.most - lull.least));
        if (!(await until(() => faults.list().length < maxPending))) break;
        struck.push(fault);
        for (const each of fault.faults) faults.set(`${struck.length} ${fault.name}, ${each.kind}`, each);
      }
    } finally {
      clearInterval(acting);
    }
    await until(() => faults.list().length === 0);
    unmet = faults.list().map(({ name }) => name);
    faults.clear();
  }

  /** Names of objects that are no longer checked for drift. */
  async function objectsNotChecked(): Promise<string[]> {
    const since = Date.now();
    const { journal } = stage.arm;
    const missing = () => {
      const checked = new Set(
        journal.entries
          .filter(({ at, status, endpoint }) => at.getTime() >= since && status === 200 && endpoint === 'registry')
          .map(({ registry }) => registry),
      );
      return intents.filter(({ regions, name }) => regions.length > 0 && !checked.has(name)).map(({ name }) => name);
    };
    await until(() => missing().length === 0);
    return missing();
  }

  async function holdingsAfter(): Promise<Holdings> {
    const from = performance.now();
    last = await leastHoldings(pid(), port(), metricsUrl);
    while (growth().length > 0 && performance.now() - from < patience) {
      last = lesser(last, await leastHoldings(pid(), port(), metricsUrl));
    }
    return last;
  }

  /** Describes what has grown. */
  function growth(): string[] {
    const bounds: Holdings = {
      // An absolute bound: idle connections of the first burst of creations may have been open before.
      sockets: inFlight,
      descriptors: first.descriptors + inFlight,
      timers: first.timers + inFlight,
      requests: first.requests,
      memory: first.memory + memoryGrowth,
    };
    const names = Object.keys(bounds) as (keyof Holdings)[];
    const grown = names
      .filter((name) => !(last[name] <= bounds[name]))
      .map((name) => `${name}: ${first[name]} before, ${last[name]} after`);
    const { stalled } = stage.arm.connections;
    return stalled > 0 ? [...grown, `${stalled} stalled handshakes were never given up`] : grown;
  }

  /** False on timeout. */
  async function until(isSo: () => boolean): Promise<boolean> {
    const from = performance.now();
    while (!isSo() && performance.now() - from < patience) await sleep(250);
    return isSo();
  }

  function pid(): number {
    return operator.process.pid ?? 0;
  }

  function port(): number {
    return Number(new URL(stage.arm.url).port);
  }

  function report(): void {
    const kinds = [...Map.groupBy(struck, ({ name }) => name)].map(([name, all]) => `${name} ${all.length}`);
    const lines = [
      `${struck.length} faults: ${kinds.join(', ')}`,
      `${people?.changes.length} changes; ${stage?.arm.journal.entries.length} requests to ARM over ${stage?.arm.connections.accepted} connections`,
      `before: ${JSON.stringify(first)}; after: ${JSON.stringify(last)}; peak ${Math.round(peak / 1e6)} MB`,
      `all was well ${((outcome?.ms ?? Number.NaN) / 1000).toFixed(1)} s after the last fault; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
