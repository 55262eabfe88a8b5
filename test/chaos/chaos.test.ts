// `npm run test:chaos`: the operator as a process behind a wire that is cut, reset, stalled and slowed, before a real API
// server that is killed and whose etcd is compacted, while people create, edit and delete objects by a way of their own.
// CHAOS_SEED repeats the faults and the choices of a run, though not its times.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { connect, loadKubeConfig } from '../../src/kubernetes/cluster.ts';
import { percentile } from '../bench/statistics.ts';
import { establish } from '../cluster.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import { type Operator, startOperator } from '../operator.ts';
import { type RealApiServer, startRealApiServer } from '../real-api-server.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { drawFaults, type Fault, strike } from './faults.ts';
import { Intent } from './intent.ts';
import { passesFor, watchesIn } from './passes.ts';
import { type Change, People } from './people.ts';
import { needlessWrites, wrongObjects, wrongReplicas } from './verdict.ts';

const assets = process.env.KUBEBUILDER_ASSETS;
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const crd = fileURLToPath(new URL('../../crds/registryreplications.yaml', import.meta.url));

const objects = 300;
/** ms between the changes that people make, and, drawn evenly, between the end of a fault and the next one. */
const pace = 120;
const calm = { least: 200, most: 1_200 };
/** ms after the last fault in which all must be well: the last silence is noticed after 30 s. */
const patience = 120_000;

const title = assets
  ? 'the operator in a storm'
  : 'the operator in a storm (pending: it needs a real API server, KUBEBUILDER_ASSETS names none)';

(assets ? describe : describe.skip)(title, function () {
  this.timeout(600_000);
  const random = seeded(seed);
  const faults = drawFaults(random);
  const intents = Array.from({ length: objects }, (_, index) => {
    // Of many subscriptions: ARM's budget is no part of this.
    const subscription = String(index % 20).padStart(12, '0');
    const name = `chaos${String(index).padStart(3, '0')}`;
    return new Intent({ subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'chaos', name });
  });
  const started = performance.now();
  const struck: Fault['kind'][] = [];
  let directory: string;
  let arm: ArmEmulator;
  let server: RealApiServer;
  let wire: TcpProxy;
  let operator: Operator;
  let people: People;
  let last: RegistryReplication[] = [];
  let settled = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaos-'));
    await setTheScene();
    console.log(`    seed ${seed}`);
    const acting = setInterval(() => people.act(), pace);
    try {
      for (const fault of faults) {
        await sleep(calm.least + random() * (calm.most - calm.least));
        await strike(fault, { wire, server, nextChange: () => people.nextAnswer() });
        struck.push(fault.kind);
      }
    } finally {
      clearInterval(acting);
    }
    await people.finish();
    settled = await untilAllIsWell();
  });

  after(async () => {
    report();
    await operator?.end('SIGKILL');
    await people?.close();
    await Promise.all([wire?.cut(), arm?.close(), server?.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  it('survives with every status as its spec asks, and every deleted object gone', () => {
    expect(wrongObjects(intents, last)).to.deep.equal([]);
  });

  it('has made of Azure what the specs ask, and has left nothing of deleted objects', () => {
    expect(replicasThatAreWrong()).to.deep.equal([]);
  });

  it('has missed no change', () => {
    expect(passesFor(people.changes, operator.log, people.unseen).missed).to.deep.equal([]);
  });

  it('has written nothing to ARM twice', () => {
    expect(needlessWrites(intents, arm.journal.writes)).to.deep.equal([]);
  });

  it('is the same process as before, with nothing on its stderr', () => {
    expect(operator.isRunning()).to.equal(true);
    expect(operator.noise).to.deep.equal([]);
  });

  async function setTheScene(): Promise<void> {
    [arm, server] = await Promise.all([
      startArmEmulator({ timings: fast, seed }),
      startRealApiServer({ assets: assets ?? '', directory, firstPort: 29_000 }),
    ]);
    for (const { registry } of intents) arm.azure.addRegistry(registry, { location: 'eastus' });
    const direct = join(directory, 'kubeconfig');
    await writeFile(direct, server.kubeconfig, { mode: 0o600 });
    const cluster = connect(loadKubeConfig(direct));
    await establish(cluster, parse(await readFile(crd, 'utf8')));
    await cluster.close();

    wire = await TcpProxy.to(server.url);
    await wire.mend();
    const proxied = join(directory, 'kubeconfig-of-the-operator');
    await writeFile(proxied, server.kubeconfig.replace(server.url, `https://127.0.0.1:${wire.port}`), { mode: 0o600 });
    const certificate = join(directory, 'arm.pem');
    await writeFile(certificate, arm.certificate);
    operator = startOperator({
      // No drift check shall find what an event should have told.
      args: ['--interval', '24h', '--log-level', 'debug'],
      env: { ...arm.environment, KUBECONFIG: proxied, NODE_EXTRA_CA_CERTS: certificate },
    });
    await operator.said(({ msg }) => msg.includes('passes begin'));
    people = new People(direct, intents, random);
  }

  /** Resolves to the ms that it took, or to Infinity when the patience is over. */
  async function untilAllIsWell(): Promise<number> {
    const from = performance.now();
    while (performance.now() - from < patience) {
      last = await people.objects();
      if (wrongObjects(intents, last).length === 0 && replicasThatAreWrong().length === 0)
        return performance.now() - from;
      await sleep(250);
    }
    return Number.POSITIVE_INFINITY;
  }

  function replicasThatAreWrong(): string[] {
    return wrongReplicas(intents, ({ registry }) => arm.azure.replicas(registry));
  }

  function report(): void {
    const { missed, waits } = passesFor(people.changes, operator.log, people.unseen);
    const watches = watchesIn(operator.log);
    const ms = waits.map((wait) => wait.ms);
    const kinds = Map.groupBy(struck, (kind) => kind);
    const writes = Map.groupBy(arm.journal.writes, ({ method }) => method);
    const list = (counts: Map<string, readonly unknown[]>) =>
      [...counts].map(([name, all]) => `${name} ${all.length}`).join(', ');
    const [longest] = waits;
    const lines = [
      `${struck.length} faults survived: ${list(kinds)}`,
      `${people.changes.length} changes: ${list(Map.groupBy(people.changes, ({ what }: Change) => what))}; ${missed.length} missed`,
      `${watches.restarts} watches begun again (${watches.afterErrors} after errors; ${watches.errors} errors), ${watches.relists} relists`,
      `from a change to its pass: p50 ${percentile(ms, 0.5)} ms, p90 ${percentile(ms, 0.9)} ms, p99 ${percentile(ms, 0.99)} ms, longest ${(longest?.ms ?? Number.NaN) / 1000} s (${longest?.change.what} of ${longest?.change.name}); ${people.changes.length - waits.length} of unknown age left out`,
      `writes to ARM: ${list(writes)}`,
      `all was well ${(settled / 1000).toFixed(1)} s after the last fault; ${((performance.now() - started) / 1000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
