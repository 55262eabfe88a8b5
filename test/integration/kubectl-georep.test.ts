// `kubectl georep` as a process, found by the real kubectl on PATH, on the emulator or a real API server.
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { packageVersion } from '../manifests.ts';

describeWithKubectl('kubectl georep', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster } = georep);
  });
  after(() => georep?.close());

  it('prints its help and its version', async () => {
    const help = await plugin.run(cluster.kubeconfig, '--help');
    expect(help).to.include({ code: 0, stderr: '' });
    expect(help.stdout).to.include('Usage: kubectl georep');
    const version = await plugin.run(cluster.kubeconfig, '--version');
    expect(version).to.deep.equal({ code: 0, stdout: `${packageVersion}\n`, stderr: '' });
  });

  it('says that there is nothing yet, and exits with 0', async () => {
    const { code, stdout, stderr } = await plugin.run(cluster.kubeconfig, 'replicas');
    expect({ code, stdout, stderr }).to.deep.equal({
      code: 0,
      stdout: '',
      stderr: 'No replicas found in namespace default.\n',
    });
    expect((await plugin.run(cluster.kubeconfig, '-A')).stderr).to.equal('No replicas found.\n');
    expect((await plugin.run(cluster.kubeconfig, '-o json')).stdout).to.equal('[]\n');
    expect(await plugin.run(cluster.kubeconfig, 'plan -n elsewhere')).to.deep.equal({
      code: 0,
      stdout: '',
      stderr: 'No RegistryReplications found in namespace elsewhere.\n',
    });
  });

  it('tells a missing object in the words of the API server, and exits with 1', async () => {
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'replicas nothing');
    expect(code).to.equal(1);
    expect(stderr).to.equal(
      'error: the API server answered 404 Not Found: registryreplications.georeplication.dev "nothing" not found\n',
    );
  });

  it('suggests a verb for a first word that is neither a verb nor an object', async () => {
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'plna');
    expect(code).to.equal(1);
    expect(stderr).to.match(/"plna" not found\n\(plna is no verb; did you mean plan\?\)\n$/);
    for (const [args, hint] of [
      ['ad one uksouth', 'ad is no verb; did you mean add?'],
      ['recnocile one --wait', 'recnocile is no verb; did you mean reconcile?'],
    ] as const)
      expect((await plugin.run(cluster.kubeconfig, args)).stderr, args).to.include(`\n(${hint})\n`);
  });

  it('refuses the name of one object with --all-namespaces, as kubectl does', async () => {
    for (const args of ['one -A', 'plan one -A', 'history one -A', 'image team/web:1 one -A'])
      expect(await plugin.run(cluster.kubeconfig, args), args).to.deep.include({
        code: 1,
        stderr: 'error: --all-namespaces makes no sense with the name of one object\n',
      });
  });

  it('refuses wrong flags in one line, with a suggestion', async () => {
    expect(await plugin.run(cluster.kubeconfig, 'replicas -o tabel')).to.deep.include({
      code: 1,
      stderr:
        "error: option '-o, --output <format>' argument 'tabel' is invalid. Allowed choices are table, wide, json, yaml, name.\n",
    });
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'replicas --contxt=x');
    expect(code).to.equal(1);
    expect(stderr).to.equal("error: unknown option '--contxt=x'\n(Did you mean --context?)\n");
  });

  it('names a context that the kubeconfig does not have', async () => {
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'replicas --context nowhere');
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: The kubeconfig .* has no usable cluster for its context "nowhere"/);
  });

  it('takes the namespace from -n, else from the context, which --context chooses', async () => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const [context] = config.contexts;
    if (!context) throw new Error('the kubeconfig has no context');
    config.contexts = [context, { ...context, name: 'other', namespace: 'elsewhere' }];
    const file = join(dirname(cluster.kubeconfig), 'two-contexts');
    await writeFile(file, config.exportConfig(), { mode: 0o600 });
    for (const [args, namespace] of [
      ['replicas', 'default'],
      ['replicas --context other', 'elsewhere'],
      ['--context=other plan -n third', 'third'],
      ['-n third replicas --context other', 'third'],
    ] as const)
      expect((await plugin.run(file, args)).stderr, args).to.match(new RegExp(`found in namespace ${namespace}\\.\n$`));
  });

  it('says that the operator is not installed where its objects are not known', async () => {
    const bare = await startCluster({ crds: [] });
    try {
      for (const args of ['replicas', 'plan -A', 'history one', 'add one uksouth'])
        expect(await plugin.run(bare.kubeconfig, args), args).to.deep.equal({
          code: 1,
          stdout: '',
          stderr:
            'error: the cluster does not know RegistryReplications: the operator is not installed there, or this is another cluster (kubectl config current-context)\n',
        });
    } finally {
      await bare.close();
    }
  });

  it('reports in one line that Node is too old, and exits with 1', async () => {
    const versions = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } })";
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(versions)}`;
    expect(await plugin.run(cluster.kubeconfig, '--help', { env: { NODE_OPTIONS } })).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: kubectl georep needs Node 24 or newer; this is 22.11.0.\n',
    });
  });
});
