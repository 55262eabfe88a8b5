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
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { DesiredState } from './desired-state.ts';
import { drawHostileFaults, type HostileFault } from './hostile-faults.ts';
import { type Recovery, waitForRecovery } from './recovery.ts';
import { minimum, minResourceUsage, peakMemory, type ResourceUsage } from './resource-usage.ts';
import { Workload } from './workload.ts';

const seed = Number(process.env.HOSTILE_SEED ?? Math.floor(Math.random() * 1e9));
const objects = 30;
const workers = 20;
/** Seconds; a renewal is due every 30 s, and some meet faults. */
const tokenLifetime = 90;
/** Bound on faults that have not met a request yet: more of them would only extend the outage. */
const maxPending = 10;
/** ms between changes of the workload, and, drawn uniformly, between one fault and the next. */
const editEvery = 1_500;
const pauseMs = { min: 300, max: 2_500 };
/** ms for each wait, on a busy machine too. */
const timeoutMs = 240_000;
/** A request of each worker and one for a token may have a socket and a timer. */
const inFlight = workers + 1;
const memoryGrowth = 50e6;

describe('the operator with a hostile ARM and token endpoint', function () {
  this.timeout(1_800_000);
  const random = seeded(seed);
  const started = performance.now();
  const desiredStates = Array.from({ length: objects }, (_, index) => {
    const subscription = String(index % 10).padStart(12, '0');
    const name = `hostile${String(index).padStart(3, '0')}`;
    return new DesiredState({
      subscriptionId: `00000000-0000-0000-0000-${subscription}`,
      resourceGroup: 'chaos',
      name,
    });
  });
  const injected: HostileFault[] = [];
  let directory: string;
  let environment: TestEnvironment;
  let foreignOrigin: ArmEmulator;
  let operator: Operator;
  let workload: Workload;
  let metricsUrl: string;
  let first: ResourceUsage;
  let last: ResourceUsage;
  /** Bytes. */
  let peak = Number.NaN;
  let unmet: readonly string[] = [];
  let unchecked: readonly string[] = [];
  let outcome: Recovery | undefined;

  before(async () => {
    console.log(`    seed ${seed}`);
    await setUp();
    await workload.finish();
    const { wrongObjects, wrongReplicas } = await waitForRecovery(workload, environment.arm, desiredStates, timeoutMs);
    expect([...wrongObjects, ...wrongReplicas], 'before any fault').to.deep.equal([]);
    first = await minResourceUsage(pid(), port(), metricsUrl);

    await injectFaults();
    await workload.finish();
    outcome = await waitForRecovery(workload, environment.arm, desiredStates, timeoutMs);
    unchecked = await objectsNotChecked();
    last = await resourceUsageAfter();
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
    await workload?.close();
    await Promise.all([environment?.close(), foreignOrigin?.close()]);
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
    expect(injected).to.have.length(200);
  });

  it('uses no more sockets, timers and memory than before', () => {
    expect(growth()).to.deep.equal([]);
  });

  it('sends nothing to another origin that ARM names in a nextLink', () => {
    expect(foreignOrigin.journal.entries).to.deep.equal([]);
    expect(foreignOrigin.connections.accepted).to.equal(0);
  });

  it('is still the same process, with nothing on its stderr', () => {
    expect(operator.isRunning()).to.equal(true);
    expect(operator.otherOutput).to.deep.equal([]);
  });

  async function setUp(): Promise<void> {
    directory = await mkdtemp(join(tmpdir(), 'hostile-'));
    environment = await startTestEnvironment({ arm: { timings: fast, seed, tokenLifetime } });
    foreignOrigin = await startArmEmulator();
    for (const { registry } of desiredStates) environment.arm.azure.addRegistry(registry, { location: 'eastus' });
    // The operator trusts the other origin's certificate too: only its own check of the origin protects it.
    const certificates = join(directory, 'certificates.pem');
    await writeFile(certificates, `${environment.arm.certificate}\n${foreignOrigin.certificate}`);
    operator = environment.startOperator({
      args: ['--interval', '10s', '--concurrency', String(workers), '--metrics-secure=false'],
      env: { NODE_EXTRA_CA_CERTS: certificates },
    });
    const { metricsPort } = await operator.logged((line) => line.metricsPort !== undefined);
    metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    workload = new Workload(environment.kubeconfig, desiredStates, random);
  }

  async function injectFaults(): Promise<void> {
    const { faults } = environment.arm.azure;
    const acting = setInterval(() => workload.changeSomething(), editEvery);
    try {
      for (const fault of drawHostileFaults(random, foreignOrigin.url)) {
        await sleep(pauseMs.min + random() * (pauseMs.max - pauseMs.min));
        if (!(await until(() => faults.list().length < maxPending))) break;
        injected.push(fault);
        for (const each of fault.faults) faults.set(`${injected.length} ${fault.name}, ${each.kind}`, each);
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
    const { journal } = environment.arm;
    const missing = () => {
      const checked = new Set(
        journal.entries
          .filter(({ at, status, endpoint }) => at.getTime() >= since && status === 200 && endpoint === 'registry')
          .map(({ registry }) => registry),
      );
      return desiredStates
        .filter(({ regions, name }) => regions.length > 0 && !checked.has(name))
        .map(({ name }) => name);
    };
    await until(() => missing().length === 0);
    return missing();
  }

  async function resourceUsageAfter(): Promise<ResourceUsage> {
    const from = performance.now();
    last = await minResourceUsage(pid(), port(), metricsUrl);
    while (growth().length > 0 && performance.now() - from < timeoutMs) {
      last = minimum(last, await minResourceUsage(pid(), port(), metricsUrl));
    }
    return last;
  }

  /** Describes what has grown. */
  function growth(): string[] {
    const bounds: ResourceUsage = {
      // An absolute bound: idle connections of the first burst of creations may have been open before.
      sockets: inFlight,
      descriptors: first.descriptors + inFlight,
      timers: first.timers + inFlight,
      requests: first.requests,
      memory: first.memory + memoryGrowth,
    };
    const names = Object.keys(bounds) as (keyof ResourceUsage)[];
    const grown = names
      .filter((name) => !(last[name] <= bounds[name]))
      .map((name) => `${name}: ${first[name]} before, ${last[name]} after`);
    const { stalled } = environment.arm.connections;
    return stalled > 0 ? [...grown, `${stalled} stalled handshakes were never given up`] : grown;
  }

  /** False on timeout. */
  async function until(isSo: () => boolean): Promise<boolean> {
    const from = performance.now();
    while (!isSo() && performance.now() - from < timeoutMs) await sleep(250);
    return isSo();
  }

  function pid(): number {
    return operator.process.pid ?? 0;
  }

  function port(): number {
    return Number(new URL(environment.arm.url).port);
  }

  function report(): void {
    const kinds = [...Map.groupBy(injected, ({ name }) => name)].map(([name, all]) => `${name} ${all.length}`);
    const lines = [
      `${injected.length} faults: ${kinds.join(', ')}`,
      `${workload?.changes.length} changes; ${environment?.arm.journal.entries.length} requests to ARM over ${environment?.arm.connections.accepted} connections`,
      `before: ${JSON.stringify(first)}; after: ${JSON.stringify(last)}; peak ${Math.round(peak / 1e6)} MB`,
      `all was well ${((outcome?.ms ?? Number.NaN) / 1000).toFixed(1)} s after the last fault; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
