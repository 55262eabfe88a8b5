// `npm run test:chaos`: runs the operator as a process behind a proxy that cuts, resets, stalls and slows its connections to
// a real API server, which is killed and whose etcd is compacted, while a workload changes objects over a direct connection.
// CHAOS_SEED repeats the faults and choices of a run, but not its timing; CHAOS_LOG names a file for the operator's log with
// the faults and changes in between, one JSON object per line.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { percentile } from '../bench/statistics.ts';
import { establish } from '../cluster.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import { type Operator, startOperator } from '../operator.ts';
import { type RealApiServer, startRealApiServer } from '../real-api-server.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { emptyStates } from './desired-state.ts';
import { needlessWrites } from './mismatches.ts';
import { drawFaults, type Fault, injectFault } from './network-faults.ts';
import { passesFor, silences, watchesIn } from './passes.ts';
import { type Recovery, waitForRecovery } from './recovery.ts';
import { type Change, Workload } from './workload.ts';

const assets = process.env.KUBEBUILDER_ASSETS;
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const crd = fileURLToPath(new URL('../../crds/registryreplications.yaml', import.meta.url));

const objects = 300;
/** ms between changes of the workload, and, drawn uniformly, between the end of a fault and the next one. */
const pace = 120;
const pauseMs = { min: 200, max: 1_200 };
/** ms for the recovery after the last fault, on a busy machine too: the last silence is noticed after 30 s. */
const recoveryTimeoutMs = 300_000;

const title = assets
  ? 'the operator during network and API server faults'
  : 'the operator during network and API server faults (pending: it needs a real API server, KUBEBUILDER_ASSETS names none)';

(assets ? describe : describe.skip)(title, function () {
  this.timeout(1_200_000);
  const random = seeded(seed);
  const faults = drawFaults(random);
  // Spread over subscriptions: ARM's rate limit is not tested here.
  const desiredStates = emptyStates(objects, { prefix: 'chaos', subscriptions: 20 });
  const started = performance.now();
  const injected: { readonly time: string; readonly fault: Fault }[] = [];
  let directory: string;
  let arm: ArmEmulator;
  let server: RealApiServer;
  let proxy: TcpProxy;
  let operator: Operator;
  let workload: Workload;
  let outcome: Recovery | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaos-'));
    await setUp();
    console.log(`    seed ${seed}`);
    const acting = setInterval(() => workload.changeSomething(), pace);
    try {
      for (const fault of faults) {
        await sleep(pauseMs.min + random() * (pauseMs.max - pauseMs.min));
        const time = new Date().toISOString();
        await injectFault(fault, { proxy, server, nextChange: () => workload.nextConfirmation() });
        injected.push({ time, fault });
      }
    } finally {
      clearInterval(acting);
    }
    await workload.finish();
    outcome = await waitForRecovery(workload, arm, desiredStates, recoveryTimeoutMs);
  });

  after(async () => {
    report();
    if (process.env.CHAOS_LOG) await writeFile(process.env.CHAOS_LOG, timeline());
    await operator?.stop('SIGKILL');
    await workload?.close();
    await Promise.all([proxy?.close(), arm?.close(), server?.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  it('brings every status to what its spec asks, and removes every deleted object', () => {
    expect(outcome?.wrongObjects).to.deep.equal([]);
  });

  it('brings Azure to what the specs ask, and leaves no replica of a deleted object', () => {
    expect(outcome?.wrongReplicas).to.deep.equal([]);
  });

  it('misses no change', () => {
    expect(passesFor(workload.changes, operator.log, workload.unobserved).missed).to.deep.equal([]);
  });

  it('sends no write to ARM twice', () => {
    expect(needlessWrites(desiredStates, arm.journal.writes)).to.deep.equal([]);
  });

  it('is still the same process, with nothing on its stderr', () => {
    expect(operator.isRunning()).to.equal(true);
    expect(operator.otherOutput).to.deep.equal([]);
  });

  async function setUp(): Promise<void> {
    [arm, server] = await Promise.all([
      startArmEmulator({ timings: fast, seed }),
      startRealApiServer({ assets: assets ?? '', directory }),
    ]);
    for (const { registry } of desiredStates) arm.azure.addRegistry(registry, { location: 'eastus' });
    const direct = join(directory, 'kubeconfig');
    await writeFile(direct, server.kubeconfig, { mode: 0o600 });
    const cluster = createKubeClient(loadKubeConfig(direct));
    await establish(cluster, parse(await readFile(crd, 'utf8')));
    await cluster.close();

    proxy = await TcpProxy.create(server.url);
    await proxy.listen();
    const proxied = join(directory, 'kubeconfig-of-the-operator');
    await writeFile(proxied, server.kubeconfig.replace(server.url, `https://127.0.0.1:${proxy.port}`), { mode: 0o600 });
    const certificate = join(directory, 'arm.pem');
    await writeFile(certificate, arm.certificate);
    operator = startOperator({
      // The drift check must not find what an event should have reported.
      args: ['--interval', '24h', '--log-level', 'debug'],
      env: { ...arm.environment, KUBECONFIG: proxied, NODE_EXTRA_CA_CERTS: certificate },
    });
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    workload = new Workload(direct, desiredStates, random);
  }

  function timeline(): string {
    const changes = workload.changes.map((change) => ({ time: new Date(change.answered).toISOString(), change }));
    const all = [...operator.log, ...injected, ...changes].sort((one, other) =>
      String(one.time) < String(other.time) ? -1 : 1,
    );
    return all.map((line) => `${JSON.stringify(line)}\n`).join('');
  }

  function report(): void {
    const { missed, waits } = passesFor(workload.changes, operator.log, workload.unobserved);
    const watches = watchesIn(operator.log);
    const quiet = silences(
      injected
        .filter(({ fault }) => fault.kind === 'stall' || fault.kind === 'mute')
        .map(({ time }) => Date.parse(time)),
      operator.log,
    );
    const isHeard = ({ answered }: Change) => !quiet.some(({ from, until }) => from <= answered && answered <= until);
    const shares = (some: typeof waits) =>
      [0.5, 0.9, 0.99]
        .map(
          (share) =>
            `p${share * 100} ${percentile(
              some.map(({ ms }) => ms),
              share,
            )} ms`,
        )
        .join(', ');
    const kinds = Map.groupBy(injected, ({ fault }) => fault.kind);
    const writes = Map.groupBy(arm.journal.writes, ({ method }) => method);
    const list = (counts: Map<string, readonly unknown[]>) =>
      [...counts].map(([name, all]) => `${name} ${all.length}`).join(', ');
    const [longest] = waits;
    const lines = [
      `${injected.length} faults survived: ${list(kinds)}`,
      `${workload.changes.length} changes: ${list(Map.groupBy(workload.changes, ({ what }: Change) => what))}; ${missed.length} missed`,
      `${watches.restarts} watches begun again (${watches.afterErrors} after errors; ${watches.errors} errors), ${watches.relists} relists`,
      `from a change to its pass: ${shares(waits)}, longest ${(longest?.ms ?? Number.NaN) / 1000} s (${longest?.change.what} of ${longest?.change.name}); ${workload.changes.length - waits.length} of unknown age left out`,
      `the same where the watch was not silent: ${shares(waits.filter(({ change }) => isHeard(change)))}; it was silent for ${quiet.map(({ from, until }) => `${Math.round((until - from) / 1000)} s`).join(', ')}`,
      `writes to ARM: ${list(writes)}`,
      `all was well ${((outcome?.ms ?? Number.NaN) / 1000).toFixed(1)} s after the last fault; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
