// What each verb of `kubectl georep` prints, compared with the files in test/golden/georep.
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'chai';
import { dump, load } from 'js-yaml';
import {
  group,
  plural,
  type RegionSpec,
  type RegistryReplication,
  version,
} from '../../src/api/registryreplication.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import type { KubectlOutcome } from '../emulators/kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { play } from '../golden/play.ts';
import { expectPrinted } from '../golden/printed.ts';
import { settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';
import { kubeApi } from '../kube-api.ts';

const namespace = 'registries';
const scenarios = {
  failed: 'RegionFailed',
  following: 'AllRegionsReady, following',
  observed: 'OutOfSync',
  observing: 'OutOfSync, following',
  pruned: 'Pruning, delayed',
  ready: 'AllRegionsReady',
  routed: 'LastRoutedRegion',
  suspended: 'AllRegionsReady, suspended',
  syncing: 'Syncing',
  unreadable: 'SourceUnreadable',
  unused: 'AllRegionsReady, unused',
};

describeWithKubectl('the verbs of kubectl georep', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;
  let client: KubeClient;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster, client } = georep);
    await createNamespace(client, namespace);
    for (const [name, scenario] of Object.entries(scenarios)) await store(name, scenario);
  });
  after(() => georep?.close());

  async function store(name: string, scenario: string): Promise<void> {
    const setting = settings[scenario];
    if (!setting) throw new Error(`there is no scenario ${scenario}`);
    await storeScenario(client, namespace, name, await play(setting));
  }

  const run = (args: string) => plugin.run(cluster.kubeconfig, `${args} -n ${namespace}`);

  async function regionsOf(name: string): Promise<RegionSpec[] | undefined> {
    const target = { group, version, plural, namespace, name };
    const object: RegistryReplication = await kubeApi(client, CustomObjectsApi).getNamespacedCustomObject(target);
    return object.spec.regions;
  }

  function expectLasting(file: string, { code, stdout, stderr }: KubectlOutcome): Promise<void> {
    const text = file.endsWith('.json') || file.endsWith('.yaml') ? inOrder(stdout) : withoutWidths(stdout);
    return expectPrinted(file, { code, stdout: withoutTimes(text), stderr: withoutTimes(stderr) });
  }

  for (const [file, args] of Object.entries({
    'replicas.table': 'replicas',
    'replicas.wide': 'replicas -o wide',
    'replicas.json': 'replicas syncing -o json',
    'replicas.yaml': 'replicas syncing -o yaml',
    'replicas.following.json': 'replicas following -o json',
    'replicas.unused.json': 'replicas unused -o json',
    'replicas.name': 'replicas syncing -o name',
    'plan.table': 'plan',
    'plan.json': 'plan pruned -o json',
    'plan.yaml': 'plan pruned -o yaml',
    'plan.observing.json': 'plan observing -o json',
    'plan.name': 'plan -o name',
    'history.table': 'history pruned',
    'history.wide': 'history pruned -o wide',
    'history.json': 'history failed -o json',
    'history.yaml': 'history failed -o yaml',
    'history.unused': 'history unused',
    'history.name': 'history failed -o name',
    'add.table': 'add ready uksouth --dry-run=server',
    'add.json': 'add ready uksouth --dry-run=client -o json',
    'add.yaml': 'add ready uksouth --dry-run=server -o yaml',
    'add.name': 'add ready uksouth --dry-run=client -o name',
    'remove.table': 'remove ready westeurope --dry-run=server',
    'remove.json': 'remove ready westeurope --dry-run=server -o json',
    'remove.yaml': 'remove ready westeurope --dry-run=client -o yaml',
    'remove.name': 'remove ready westeurope --dry-run=server -o name',
    'route.table': 'route ready westeurope when-ready --dry-run=client',
    'route.json': 'route ready westeurope when-ready --dry-run=server -o json',
    'route.yaml': 'route ready westeurope off --dry-run=client -o yaml',
    'route.name': 'route ready westeurope on --dry-run=server -o name',
    'suspend.table': 'suspend ready --dry-run=server',
    'suspend.json': 'suspend ready --dry-run=server -o json',
    'suspend.yaml': 'suspend ready --dry-run=client -o yaml',
    'suspend.name': 'suspend suspended -o name',
    'suspend.unchanged': 'suspend suspended',
    'resume.table': 'resume suspended --dry-run=client',
    'resume.json': 'resume suspended --dry-run=server -o json',
    'resume.yaml': 'resume suspended --dry-run=client -o yaml',
    'resume.name': 'resume suspended --dry-run=server -o name',
    'reconcile.table': 'reconcile ready --dry-run=client',
    'reconcile.json': 'reconcile ready --dry-run=server -o json',
    'reconcile.yaml': 'reconcile ready --dry-run=client -o yaml',
    'reconcile.name': 'reconcile ready --dry-run=server -o name',
  }))
    it(`\`${args}\` prints test/golden/georep/${file}.txt`, async () => {
      await expectLasting(file, await run(args));
    });

  it('plan has exit code 0 if there is nothing to do', async () => {
    expect(await run('plan ready')).to.deep.equal({
      code: 0,
      stdout: 'registries/ready (registry myACR0007): nothing to do\n\nPlan: nothing to do.\n',
      stderr: '',
    });
  });

  it('add, route and remove edit the spec, and a dry run does not', async () => {
    await store('edited', 'AllRegionsReady');
    expect((await run('add edited uksouth --dry-run=server')).code).to.equal(0);
    expect((await run('add edited uksouth --dry-run=client')).code).to.equal(0);
    expect(await regionsOf('edited')).to.have.length(2);
    expect(await run('add edited UKSouth eastus2 japaneast')).to.deep.equal({
      code: 0,
      stdout: 'registryreplication.georeplication.dev/edited: + uksouth, + eastus2\n',
      stderr: '',
    });
    expect((await run('route edited eastus2 off')).stdout).to.match(/: ~ eastus2 routing Disabled\n$/);
    expect((await run('remove edited uksouth japaneast')).stdout).to.match(/: - uksouth, - japaneast\n$/);
    expect(await regionsOf('edited')).to.deep.equal([
      { location: 'westeurope' },
      { location: 'eastus2', routing: 'Disabled' },
    ]);
  });

  it('takes a region by its display name', async () => {
    const { stdout } = await plugin.run(cluster.kubeconfig, [
      'add',
      'ready',
      'UK South',
      '--dry-run=client',
      '-n',
      namespace,
    ]);
    expect(stdout).to.match(/: \+ uksouth \(client dry run\)\n$/);
  });

  it('refuses a region that does not exist, with a suggestion, unless told not to check', async () => {
    expect(await run('add ready uksuth')).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: uksuth: no such Azure region; did you mean uksouth? (--any-region skips this check)\n',
    });
    expect((await run('add ready uksuth --any-region --dry-run=server')).stdout).to.match(/: \+ uksuth/);
  });

  it('refuses to remove or route a region that is not listed, with a suggestion', async () => {
    for (const args of ['remove ready westeurop', 'route ready westeurop on'])
      expect(await run(args)).to.include({
        code: 1,
        stderr: 'error: westeurop is not in spec.regions of ready; did you mean westeurope?\n',
      });
  });

  it("tells the API server's refusal in its own words", async () => {
    const { code, stderr } = await run('add ready no_region --any-region');
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /^error: the API server answered 422 .*spec\.regions(\[2\])?\.location in body should match /,
    );
  });

  it('add makes the list of regions of an object that only follows, and remove takes it away again', async () => {
    await store('fleet', 'AllRegionsReady, following');
    expect(await regionsOf('fleet')).to.equal(undefined);
    expect((await run('add fleet uksouth --dry-run=client -o json')).stdout).to.match(/"regions": \[\s*{\s*"location"/);
    expect((await run('add fleet uksouth eastus2')).stdout).to.match(/: \+ uksouth, \+ eastus2\n$/);
    expect(await regionsOf('fleet')).to.deep.equal([{ location: 'uksouth' }, { location: 'eastus2' }]);
    expect((await run('remove fleet eastus2')).stdout).to.match(/: - eastus2\n$/);
    expect((await run('remove fleet uksouth --dry-run=client -o json')).stdout).not.to.match(
      /"regions": \[\s*{\s*"location": "uksouth"/,
    );
    expect(await run('remove fleet uksouth')).to.include({ code: 0, stderr: '' });
    expect(await regionsOf('fleet')).to.equal(undefined);
  });

  it('remove says that a region stays which a source still names', async () => {
    await store('pinned', 'AllRegionsReady, following');
    await run('add pinned westeurope');
    expect((await run('remove pinned westeurope')).stdout).to.match(
      /: - westeurope; westeurope stays, needed by MemberCluster prod-eu\n$/,
    );
    expect(await run('remove pinned westeurope')).to.include({
      code: 1,
      stderr:
        'error: westeurope is not in spec.regions of pinned; it stays as long as it is needed by MemberCluster prod-eu\n',
    });
    expect((await run('remove unused westeurope')).stderr).to.match(
      /; no source names it any more, and it is kept for 24h \(spec\.keepUnused\)\n$/,
    );
  });

  it('route says how to route a region that the object only follows', async () => {
    const { code, stderr } = await run('route following westeurope off');
    expect(code).to.equal(1);
    expect(stderr).to.equal(
      'error: westeurope is not in spec.regions of following; the object follows it (needed by MemberCluster prod-eu). To route it on its own, list it: kubectl georep add following westeurope -n registries\n',
    );
    await store('listing', 'AllRegionsReady, following');
    await run('add listing westeurope');
    expect(await run('route listing westeurope off')).to.include({ code: 0 });
    expect(await regionsOf('listing')).to.deep.equal([{ location: 'westeurope', routing: 'Disabled' }]);
  });

  it('remove refuses the last region of an object that follows nothing', async () => {
    expect(await run('remove routed japaneast')).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: spec.regions must list a region: list the home region alone if no other replicas are wanted\n',
    });
  });

  it('leaves an edit of others in place that came in between', async () => {
    await store('contended', 'AllRegionsReady');
    const api = kubeApi(client, CustomObjectsApi);
    const target = { group, version, plural, namespace, name: 'contended' };
    const edits = ['uksouth', 'eastus2', 'brazilsouth', 'norwayeast'].map((location) =>
      run(`add contended ${location}`),
    );
    await api.patchNamespacedCustomObject(
      { ...target, body: [{ op: 'add', path: '/spec/regions/-', value: { location: 'canadacentral' } }] },
      setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
    );
    for (const { code, stderr } of await Promise.all(edits))
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect((await regionsOf('contended'))?.map(({ location }) => location)).to.have.members([
      'japaneast',
      'westeurope',
      'uksouth',
      'eastus2',
      'brazilsouth',
      'norwayeast',
      'canadacentral',
    ]);
  });

  it('lists the objects of all namespaces with -A', async () => {
    const { stdout } = await plugin.run(cluster.kubeconfig, '-A');
    expect(stdout).to.match(/^NAMESPACE +OBJECT +NAME +LOCATION +PROVISIONING STATE +STATUS\nregistries +/);
  });
});

/** Servers differ in the order of an object's members. */
function inOrder(data: string): string {
  const isJson = /^[[{]/.test(data);
  const sorted = dump(load(data), { sortKeys: true, lineWidth: -1 });
  return isJson ? `${JSON.stringify(load(sorted), undefined, 2)}\n` : sorted;
}

/** The width of a column depends on the ages in it. */
function withoutWidths(table: string): string {
  return table.replace(/(?<=\S) {3,}/g, '   ');
}

/** Times, ids and versions differ at each run. */
function withoutTimes(text: string): string {
  return text
    .replace(/("?)\b(uid|resourceVersion|creationTimestamp)\1: ("|')?[^"'\n]*\3/g, '$1$2$1: $3…$3')
    .replace(/("?)\b(generation|observedGeneration|seconds)\1: \d+/g, '$1$2$1: …')
    .replace(/\b20(?!26-11-22|26-01-01|20-01-01)\d\d-\d\d-\d\dT[\d:.]+Z/g, '<now>')
    .replace(/\b(\d+[smhdy])+( so far)/g, '<age>$2')
    .replace(/\bunused (\d+[smhdy]){1,2}/g, 'unused <age>')
    .replace(/ (\d+[smhdy]){1,2}(?= {3}(?:Enabled|Disabled|<none>))/g, ' <age>');
}
