// `kubectl georep` as a process, found by the real kubectl on PATH, on the emulator or a real API server.
import { expect } from 'chai';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';

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
    expect(await plugin.run(cluster.kubeconfig, '--version')).to.deep.equal({ code: 0, stdout: '0.1.0\n', stderr: '' });
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
    expect(stderr).to.match(/"plna" not found\n\(plna is no verb either; did you mean plan\?\)\n$/);
  });

  it('refuses the name of one object with --all-namespaces, as kubectl does', async () => {
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'plan one -A');
    expect(code).to.equal(1);
    expect(stderr).to.equal('error: --all-namespaces makes no sense with the name of one object\n');
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
