// The Kubernetes emulator works with the real kubectl, for every command in the documentation and the demo.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { type KubectlOutcome, kubectl, missingKubectl, startKubectl } from '../emulators/kubectl.ts';
import { type Connection, connect } from '../emulators/kubernetes/connection.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import { kubectlTimeout } from '../hang-limit.ts';

const missing = missingKubectl();
const objects = '/apis/georeplication.dev/v1alpha1/namespaces/default/registryreplications';
const merge = { 'content-type': 'application/merge-patch+json' };

const manifest = (spec = '') => `
apiVersion: georeplication.dev/v1alpha1
kind: RegistryReplication
metadata: {name: myacr0007}
spec:
  registry: {subscriptionId: 00000000-0000-0000-0000-000000000000, resourceGroup: rg, name: myACR0007}
  regions:
    - location: japaneast
${spec}`;

describe(`the Kubernetes emulator and kubectl${missing ? ` (pending: ${missing})` : ''}`, () => {
  let emulator: KubernetesEmulator;
  let server: Connection;
  let directory: string;
  let kubeconfig: string;

  before(function () {
    if (missing) this.skip();
  });

  beforeEach(async () => {
    emulator = await startKubernetesEmulator();
    server = connect(emulator);
    directory = await mkdtemp(join(tmpdir(), 'kubernetes-emulator-'));
    kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, emulator.kubeconfig);
  });

  afterEach(async () => {
    server?.close();
    await emulator?.close();
    if (directory) await rm(directory, { recursive: true });
  });

  const run = (args: string, input?: string, env?: Record<string, string>): Promise<KubectlOutcome> =>
    kubectl(kubeconfig, args.split(' '), { ...(input !== undefined && { input }), ...(env && { env }) });

  /** The output of a command that must succeed. */
  async function succeed(args: string, input?: string, env?: Record<string, string>): Promise<string> {
    const { code, stdout, stderr } = await run(args, input, env);
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  async function install(): Promise<void> {
    await succeed('apply -k crds');
    await succeed('wait --for=condition=Established crd/registryreplications.georeplication.dev');
    await succeed('apply -f -', manifest());
  }

  const setStatus = (status: object) => server.request('PATCH', `${objects}/myacr0007/status`, { status }, merge);

  const ready = {
    observedGeneration: 1,
    phase: 'Ready',
    readyRegions: '1/1',
    message: 'all well',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'all well',
        lastTransitionTime: '2026-11-22T00:00:00Z',
      },
    ],
  };

  it('applies a definition, then objects of it, and sees no change when they are applied again', async () => {
    await install();
    expect(await succeed('apply -f -', manifest())).to.match(/myacr0007 unchanged/);
    expect(await succeed('apply -f -', manifest('  suspend: true'))).to.match(/myacr0007 configured/);
    expect(await succeed('get georep myacr0007 -o jsonpath={.spec.suspend}')).to.equal('true');
    expect(await succeed('api-resources --api-group=georeplication.dev')).to.match(/registryreplications +georep +/);
  });

  it('refuses unknown and wrong fields with readable messages, and stores nothing', async () => {
    await succeed('apply -k crds');
    const unknown = await run('apply -f -', manifest('  speling: 1'));
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.match(/strict decoding error: unknown field "spec.speling"/);
    const wrong = await run('apply -f -', manifest('    - location: Japan East'));
    expect(wrong.stderr).to.match(/spec.regions: Invalid value: "array": a region is listed twice/);
    const warned = await run('apply --validate=warn -f -', manifest('  speling: 1'));
    expect(warned.stderr).to.match(/Warning: unknown field "spec.speling"/);
    expect(warned.code).to.equal(0);
  });

  it('shows the columns of the definition, more with -o wide, and finds categories', async () => {
    await install();
    await setStatus({ ...ready, registry: { homeRegion: 'eastus' } });
    const lines = (await succeed('get georep')).split('\n');
    expect(lines[0]).to.match(/^NAME +REGISTRY +STATUS +READY +SYNCING +REASON +AGE$/);
    expect(lines[1]).to.match(/^myacr0007 +myACR0007 +Ready +1\/1 +Ready +\d+s$/);
    expect(await succeed('get georep -o wide')).to.match(/HOME +REGIONS +MESSAGE(.|\n)*eastus +all well/);
    expect(await succeed('get acr -A')).to.match(/^NAMESPACE(.|\n)*default +myacr0007/);
  });

  it('explains fields with their descriptions', async () => {
    await install();
    const explained = await succeed('explain georep.spec.regions');
    expect(explained).to.match(/FIELD: regions <\[\]Object>/);
    expect(explained).to.match(/location\s+<string> -required-/);
    expect(explained).to.match(/Azure keeps a replica there by itself/);
  });

  it('follows changes with get -w', async () => {
    await install();
    const child = startKubectl(kubeconfig, ['get', 'georep', '-w']);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).to.match(/^NAME/);
    expect((await lines.next()).value).to.match(/^myacr0007 +myACR0007 +\d+s/);
    await setStatus(ready);
    expect((await lines.next()).value).to.match(/^myacr0007 +myACR0007 +Ready +1\/1/);
    child.kill();
    await once(child, 'close');
  });

  it('describes an object with its events', async () => {
    await install();
    const { body } = await server.request<{ metadata: { uid: string } }>('GET', `${objects}/myacr0007`);
    await server.request('POST', '/apis/events.k8s.io/v1/namespaces/default/events', {
      metadata: { name: 'myacr0007.1' },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: 'georeplication.dev/operator',
      reportingInstance: 'one',
      action: 'Create',
      reason: 'ReplicaCreating',
      type: 'Normal',
      note: 'Creating japaneast',
      regarding: {
        apiVersion: 'georeplication.dev/v1alpha1',
        kind: 'RegistryReplication',
        namespace: 'default',
        name: 'myacr0007',
        uid: body.metadata.uid,
      },
    });
    const described = await succeed('describe georep myacr0007');
    expect(described).to.match(/Kind: +RegistryReplication/);
    expect(described).to.match(/Normal +ReplicaCreating +.* +georeplication.dev\/operator +Creating japaneast/);
    expect(await succeed('get events')).to.match(/ReplicaCreating +registryreplication\/myacr0007 +Creating japaneast/);
  });

  it('waits for a condition, and for a deletion that a finalizer delays', async () => {
    await install();
    const condition = succeed(`wait --for=condition=Ready georep/myacr0007 ${kubectlTimeout}`);
    await setStatus(ready);
    expect(await condition).to.match(/condition met/);
    const finalizers = (value: string[]) =>
      server.request('PATCH', `${objects}/myacr0007`, { metadata: { finalizers: value } }, merge);
    await finalizers(['georeplication.dev/replicas']);
    const deletion = succeed(`delete georep myacr0007 ${kubectlTimeout}`);
    const watch = await server.watch<{ metadata: { deletionTimestamp?: string } }>(`${objects}?watch=1`);
    while (!(await watch.next())?.object.metadata.deletionTimestamp);
    const gone = succeed(`wait --for=delete georep/myacr0007 ${kubectlTimeout}`);
    await finalizers([]);
    expect(await deletion).to.match(/deleted/);
    await gone;
    expect((await run('get georep myacr0007')).stderr).to.match(/"myacr0007" not found/);
  });

  it('edits, patches, labels and annotates', async () => {
    await install();
    const edited = await succeed('edit georep myacr0007', undefined, { KUBE_EDITOR: 'sed -i s/Manage/Observe/' });
    expect(edited).to.match(/edited/);
    await succeed('patch georep myacr0007 --type=merge -p {"spec":{"suspend":true}}');
    const failing = await run(
      'patch georep myacr0007 --type=json -p [{"op":"test","path":"/spec/suspend","value":false}]',
    );
    expect(failing.code).to.equal(1);
    await succeed('label georep myacr0007 team=web');
    await succeed('annotate georep myacr0007 georeplication.dev/reconcile-requested-at=now');
    const shown = await succeed('get georep -l team=web -o jsonpath={.items[0].spec.mode}/{.items[0].spec.suspend}');
    expect(shown).to.equal('Observe/true');
  });

  it('creates a namespace, and deletes it with its contents', async () => {
    await install();
    await succeed('create namespace team');
    await succeed('apply -n team -f -', manifest());
    await succeed(`delete namespace team ${kubectlTimeout}`);
    expect((await run('get georep -A')).stdout).to.not.match(/team/);
  });
});
