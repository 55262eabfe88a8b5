// The operator is told to stop in the middle of its work, or before it has begun.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { group, plural, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { held } from '../emulators/arm/timings.ts';
import { kubeApi } from '../kube-api.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { manifest, referenceTo } from './scenario.ts';

describe('an operator that is told to stop', () => {
  let environment: TestEnvironment;
  let cluster: KubeClient;

  before(async () => {
    environment = await startTestEnvironment({ arm: { timings: held } });
    cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
  });
  after(async () => {
    await cluster?.close();
    await environment?.close();
  });

  async function create(name: string): Promise<void> {
    environment.arm.azure.addRegistry(referenceTo(name));
    const body: object = JSON.parse(manifest(name, { regions: ['japaneast'] }, environment.identity));
    const api = kubeApi(cluster, CustomObjectsApi);
    await api.createNamespacedCustomObject({ group, version, plural, namespace: 'default', body });
  }

  const to = (registry: string, method: string) => (request: JournalEntry) =>
    request.registry === registry && request.method === method;

  it('completes its running pass, reports it, and exits with 0', async () => {
    const operator = environment.startOperator({ args: ['--leader-elect'] });
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    const stopped = environment.arm.journal.next(to('finishing', 'GET')).then(() => operator.stop('SIGTERM'));
    await create('finishing');
    expect(await stopped).to.equal(0);
    expect(environment.arm.journal.writes.map(({ method, replica }) => `${method} ${replica}`)).to.deep.equal([
      'PUT japaneast',
    ]);
    const said = operator.log.map(({ msg, reason }) => reason ?? msg);
    const last = said.slice(said.indexOf('Stopping; a second signal ends at once'));
    expect(last).to.deep.equal([
      'Stopping; a second signal ends at once',
      'ReplicaCreating',
      'Syncing',
      'The Lease acr-replication-system/acr-replication-operator is given back',
      'Stopped',
    ]);
  });

  it('exits at once on a second signal', async () => {
    const mute = await TcpProxy.create(environment.arm.url);
    await mute.listen();
    mute.mute(true);
    const operator = environment.startOperator({
      args: ['--log-level=debug'],
      env: { AZURE_RESOURCE_MANAGER_ENDPOINT: `https://127.0.0.1:${mute.port}` },
    });
    await operator.logged(({ msg }) => msg === 'A pass begins');
    operator.process.kill('SIGTERM');
    await operator.logged(({ msg }) => msg.startsWith('Stopping'));
    expect(await operator.stop('SIGTERM')).to.equal(130);
    await mute.close();
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`stops in order under npm on ${signal}, and leaves no process behind`, async () => {
      const operator = environment.startOperator({
        launch: (args, env) =>
          spawn('npm', ['start', '--', ...args], {
            cwd: new URL('../..', import.meta.url),
            env: { ...process.env, ...env },
            stdio: ['ignore', 'pipe', 'pipe'],
          }),
      });
      await operator.logged(({ msg }) => msg.includes('passes begin'));
      expect(await operator.stop(signal)).to.equal(0);
      expect(operator.log.at(-1)?.msg).to.equal('Stopped');
    });

  it('exits with 0 on a signal during its start, which process 1 of a container would ignore by default', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
    // The kubeconfig is read before the orderly shutdown is set up; a pipe makes the operator wait there.
    const pipe = join(directory, 'kubeconfig');
    await promisify(execFile)('mkfifo', [pipe]);
    const operator = environment.startOperator({ env: { KUBECONFIG: pipe } });
    const kubeconfig = await readFile(environment.kubeconfig);
    const writer = await open(pipe, 'w');
    operator.process.kill('SIGTERM');
    await writer.writeFile(kubeconfig);
    await writer.close();
    expect(await operator.exited).to.equal(0);
    expect(operator.otherOutput).to.deep.equal([]);
    await rm(directory, { recursive: true });
  });
});
