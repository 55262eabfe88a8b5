// Completion of `kubectl georep …` by kubectl's own mechanism: kubectl finds kubectl_complete-georep on PATH and runs it.
import { expect } from 'chai';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { play } from '../golden/play.ts';
import { settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';

describeWithKubectl('the completion of kubectl georep', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;
  let client: KubeClient;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster, client } = georep);
    await createNamespace(client, 'registries');
    await storeScenario(client, 'registries', 'myacr0007', await play(settings.AllRegionsReady ?? {}));
  });
  after(() => georep?.close());

  /** The words that kubectl offers for the last of these, which may be empty. */
  async function offered(...words: readonly string[]): Promise<string[]> {
    const { code, stdout, stderr } = await plugin.complete(cluster.kubeconfig, words);
    expect(code, stderr).to.equal(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.pop(), 'no names of files').to.equal(':4');
    return lines.map((line) => line.split('\t')[0] ?? '');
  }

  const inRegistries = ['-n', 'registries'];

  it('offers the verbs, and the objects for the default verb', async () => {
    expect(await offered(...inRegistries, '')).to.include.members(['replicas', 'plan', 'add', 'myacr0007']);
    expect(await offered('re'))
      .to.include.members(['replicas', 'remove', 'resume'])
      .and.not.include('add');
  });

  it('offers the objects of the namespace that the line names', async () => {
    expect(await offered(...inRegistries, 'plan', '')).to.deep.equal(['myacr0007']);
    expect(await offered('plan', '--namespace=registries', 'my')).to.deep.equal(['myacr0007']);
    expect(await offered('plan', '')).to.deep.equal([]);
    expect(await offered('plan', ...inRegistries, 'myacr0007', '')).to.deep.equal([]);
  });

  it('offers add the regions that are not listed, and remove and route those that are', async () => {
    expect(await offered('add', ...inRegistries, 'myacr0007', 'japan')).to.deep.equal(['japanwest']);
    expect(await offered('add', ...inRegistries, 'myacr0007', 'uksouth', 'uk')).to.deep.equal(['ukwest']);
    expect(await offered('remove', ...inRegistries, 'myacr0007', '')).to.deep.equal(['japaneast', 'westeurope']);
    expect(await offered('route', ...inRegistries, 'myacr0007', 'japaneast', '')).to.deep.equal([
      'on',
      'off',
      'when-ready',
    ]);
  });

  it('offers flags and their values', async () => {
    expect(await offered('add', '--d')).to.deep.equal(['--dry-run']);
    expect(await offered('add', '--dry-run', '')).to.deep.equal(['none', 'client', 'server']);
    expect(await offered('-o', 'y')).to.deep.equal(['yaml']);
    expect(await offered('plan', '--output=w')).to.deep.equal(['--output=wide']);
    expect(await offered('plan', '-n', 'reg')).to.deep.equal(['registries']);
    expect(await offered('plan', '--context', '')).to.have.length(1);
  });

  it('offers the regions of the table when the cluster does not answer', async () => {
    expect(await offered('--context', 'nowhere', 'add', 'myacr0007', 'uks')).to.deep.equal(['uksouth']);
    expect(await offered('--context', 'nowhere', 'plan', '')).to.deep.equal([]);
  });
});
