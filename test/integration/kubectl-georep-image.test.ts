// `kubectl georep image` as a process, on emulated registries: their real names lead to loopback through a proxy.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startCluster, type TestCluster } from '../cluster.ts';
import { ConnectProxy } from '../connect-proxy.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import {
  type ArmEmulator,
  startArmEmulator,
  defaultSubscriptionId as subscriptionId,
} from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import { type KubectlOutcome, kubectl } from '../emulators/kubectl.ts';
import { type RegistryEmulator, startRegistryEmulator } from '../emulators/registry/emulator.ts';
import { installPlugin, type Plugin } from '../georep.ts';
import { expectPrinted } from '../golden/printed.ts';

const registry = { subscriptionId, resourceGroup: 'images', name: 'myACR0007' };
const other = { ...registry, name: 'otherACR1' };
const hostIn = (region: string) => `myacr0007.${region}.geo.azurecr.io`;

describeWithKubectl('kubectl georep image', () => {
  let plugin: Plugin;
  let cluster: TestCluster;
  let arm: ArmEmulator;
  let data: RegistryEmulator;
  let proxy: ConnectProxy;
  let directory: string;
  let env: Readonly<Record<string, string>>;

  before(async () => {
    [plugin, cluster, arm] = await Promise.all([
      installPlugin(),
      startCluster(),
      startArmEmulator({ timings: instant }),
    ]);
    data = await startRegistryEmulator(arm);
    proxy = await ConnectProxy.start({ targets: { '*.azurecr.io:443': data.url } });
    directory = await mkdtemp(join(tmpdir(), 'image-'));
    const certificates = join(directory, 'ca.pem');
    await writeFile(certificates, `${arm.certificate}\n${data.certificate}`);
    env = { ...arm.environment, HTTPS_PROXY: proxy.url(), NODE_EXTRA_CA_CERTS: certificates };
    for (const one of [registry, other]) {
      arm.azure.addRegistry(one, { regionalEndpoints: one === registry });
      arm.azure.addReplica(one, 'japaneast');
      arm.azure.addReplica(one, 'westeurope');
      const regions = ['eastus', 'Japan East', 'westeurope'].map((location) => ({ location }));
      await apply(one.name.toLowerCase(), { registry: one, regions });
    }
  });
  after(async () => {
    await proxy?.close();
    await data?.close();
    await arm?.close();
    await cluster?.close();
    await plugin?.remove();
    if (directory) await rm(directory, { recursive: true });
  });
  afterEach(() => {
    data.broken.clear();
    data.tokens.withoutPull.clear();
    arm.azure.faults.clear();
  });

  async function apply(name: string, spec: object): Promise<void> {
    const object = { apiVersion: 'georeplication.dev/v1alpha1', kind: 'RegistryReplication', metadata: { name }, spec };
    const { code, stderr } = await kubectl(cluster.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(object) });
    expect(code, stderr).to.equal(0);
  }

  const neededBy = [{ source: 'nodes', count: 2 }];
  async function setStatus(name: string, rows: readonly object[]): Promise<void> {
    const regions = rows.map((row) => ({ desired: true, home: false, state: 'Ready', ...row }));
    const patch = JSON.stringify({ status: { regions } });
    const args = ['patch', 'georep', name, '--subresource=status', '--type=merge', '-p', patch];
    expect((await kubectl(cluster.kubeconfig, args)).code).to.equal(0);
  }

  const run = (args: string): Promise<KubectlOutcome> => plugin.run(cluster.kubeconfig, `image ${args}`, { env });

  /** Starts `image args…`; `onLine` gets each line of its progress. */
  function follow(args: string, onLine: (line: string) => void): Promise<KubectlOutcome> {
    const child = plugin.start(cluster.kubeconfig, `image ${args}`, { env });
    let [stdout, stderr] = ['', ''];
    let told = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const lines = stderr.split('\n').slice(0, -1);
      for (const line of lines.slice(told)) onLine(line);
      told = lines.length;
    });
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Without ages and times. */
  function timeless({ code, stdout, stderr }: KubectlOutcome): KubectlOutcome {
    const without = (text: string) =>
      text
        .replace(/\b\d+s(?= {2}|\t)/g, '<age>')
        .replace(/(["'])20\d\d-[^"']+Z\1/g, '$1<time>$1')
        .replace(/(?<=\S) {3,}/g, '   ');
    return { code, stdout: without(stdout), stderr: without(stderr) };
  }

  for (const [file, args] of Object.entries({
    'image.table': 'team/web:everywhere myacr0007',
    'image.wide': 'myacr0007.azurecr.io/team/web:everywhere -o wide',
    'image.json': 'team/web:on-its-way myacr0007 -o json',
    'image.yaml': 'team/web:on-its-way myacr0007 -o yaml',
    'image.name': 'team/web:everywhere myacr0007 -o name',
    'image.partial': 'team/web:on-its-way myacr0007',
    'image.moved': 'team/web:moved myacr0007',
    'image.missing': 'team/web:never myacr0007',
    'image.notenabled': 'team/web:everywhere otheracr1',
  }))
    it(`\`${args}\` prints test/golden/georep/${file}.txt`, async () => {
      const push = { registry: registry.name, repository: 'team/web' };
      const delays = { japaneast: Number.POSITIVE_INFINITY };
      data.images.push({ ...push, tag: 'everywhere', manifest: '{"schemaVersion":2}' });
      data.images.push({ ...push, tag: 'on-its-way', manifest: '{"schemaVersion":2,"layers":[]}', delays });
      data.images.push({ ...push, tag: 'moved', manifest: '{"schemaVersion":2,"layers":[1]}' });
      data.images.push({ ...push, tag: 'moved', manifest: '{"schemaVersion":2,"layers":[2]}', delays });
      await expectPrinted(file, timeless(await run(args)));
    });

  it('asks each region itself, with a token for that region', async () => {
    data.images.push({ registry: registry.name, repository: 'one', tag: 'v1' });
    const before = data.requests.length;
    expect((await run('one:v1 myacr0007')).code).to.equal(0);
    const requests = data.requests.slice(before);
    for (const region of ['eastus', 'japaneast', 'westeurope'])
      expect(requests.filter((request) => request.includes(` ${hostIn(region)} `))).to.deep.equal([
        `GET ${hostIn(region)} /v2/one/manifests/v1`,
        `POST ${hostIn(region)} /oauth2/exchange`,
        `POST ${hostIn(region)} /oauth2/token`,
        `GET ${hostIn(region)} /v2/one/manifests/v1`,
      ]);
    expect(requests).to.have.length(12);
  });

  it('asks the regions that the object follows too, a kept one among them', async () => {
    data.images.push({ registry: registry.name, repository: 'one', tag: 'followed' });
    await apply('following', { registry, regionsFrom: [{ nodes: {} }] });
    try {
      expect((await run('one:followed following')).stderr).to.match(/^The object wants no region yet/);
      await setStatus('following', [
        { location: 'japaneast', neededBy },
        { location: 'westeurope', unusedSince: '2026-11-22T12:00:00Z' },
        { location: 'eastus', home: true, desired: false },
      ]);
      const { code, stdout } = await run('one:followed following -o json');
      const { regions: answers } = JSON.parse(stdout) as { regions: { location: string; present: boolean }[] };
      expect(answers.map(({ location, present }) => [location, present])).to.deep.equal([
        ['japaneast', true],
        ['westeurope', true],
      ]);
      expect(code).to.equal(0);
    } finally {
      await kubectl(cluster.kubeconfig, ['delete', 'georep', 'following', '--wait=false']);
    }
  });

  it('--wait also asks a region that a source names only meanwhile', async () => {
    const delays = { japaneast: Number.POSITIVE_INFINITY };
    const digest = data.images.push({ registry: registry.name, repository: 'one', tag: 'spreading', delays });
    await apply('spreading', { registry, regionsFrom: [{ nodes: {} }] });
    try {
      const both = ['japaneast', 'westeurope'].map((location) => ({ location, neededBy }));
      await setStatus('spreading', both.slice(0, 1));
      let named: Promise<void> | undefined;
      const { code, stderr } = await follow('one:spreading spreading --wait', (line) => {
        if (line.includes('japaneast: no region has it')) named = setStatus('spreading', both);
        if (line.includes(`westeurope: ${digest}`)) data.images.arrive(registry.name, 'japaneast');
      });
      await named;
      expect(code).to.equal(0);
      expect(stderr).to.include(`westeurope: ${digest}`).and.include(`japaneast: ${digest}`);
    } finally {
      await kubectl(cluster.kubeconfig, ['delete', 'georep', 'spreading', '--wait=false']);
    }
  });

  it('finds an image by its digest', async () => {
    const digest = data.images.push({ registry: registry.name, repository: 'one', tag: 'by-digest' });
    const { code, stdout } = await run(`one@${digest} myacr0007 -o json`);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ image: `one@${digest}`, everywhere: true });
  });

  it('--wait tells each region in turn, and ends with 0 once all have the image', async () => {
    const delays = { japaneast: Number.POSITIVE_INFINITY, westeurope: Number.POSITIVE_INFINITY };
    const digest = data.images.push({ registry: registry.name, repository: 'one', tag: 'slow', delays });
    const { code, stderr, stdout } = await follow('one:slow myacr0007 --wait', (line) => {
      if (line.includes('westeurope: not there yet')) data.images.arrive(registry.name, 'westeurope');
      if (line.includes(`westeurope: ${digest}`)) data.images.arrive(registry.name, 'japaneast');
    });
    expect(code).to.equal(0);
    expect(stderr.replace(/^\d+s\t/gm, '').split('\n')).to.deep.equal([
      `eastus: ${digest}`,
      'japaneast: not there yet',
      'westeurope: not there yet',
      `westeurope: ${digest}`,
      `japaneast: ${digest}`,
      '',
    ]);
    expect(stdout.match(/Yes/g)).to.have.length(3);
  });

  it('--wait also waits for a replica that is not there yet, and for an endpoint that fails', async () => {
    await apply('growing', { registry, regions: [{ location: 'eastus' }, { location: 'uksouth' }] });
    const digest = data.images.push({ registry: registry.name, repository: 'one', tag: 'growing' });
    data.broken.add(hostIn('eastus'));
    const { code, stderr } = await follow('one:growing growing --wait', (line) => {
      if (line.includes('no replica in the region yet')) arm.azure.addReplica(registry, 'uksouth');
      if (line.includes('HTTP 503')) data.broken.clear();
    });
    expect(code).to.equal(0);
    expect(stderr).to.include(`uksouth: ${digest}`).and.include(`eastus: ${digest}`);
    arm.azure.removeReplica(registry, 'uksouth');
    await kubectl(cluster.kubeconfig, ['delete', 'georep', 'growing']);
  });

  it('--wait goes on with the regions that it knows where the object cannot be read again, and says so', async () => {
    await apply('gone', { registry, regions: [{ location: 'eastus' }] });
    const { code, stderr } = await follow('one:gone gone --wait', (line) => {
      if (line.includes('no region has it')) void kubectl(cluster.kubeconfig, ['delete', 'georep', 'gone']);
      if (line.includes('the object cannot be read again'))
        data.images.push({ registry: registry.name, repository: 'one', tag: 'gone' });
    });
    expect(code).to.equal(0);
    expect(stderr).to.match(/the object cannot be read again: .*gone/);
  });

  it('--timeout ends the wait with 2', async () => {
    const { code, stderr } = await run('one:never-pushed myacr0007 --wait --timeout 100ms');
    expect(code).to.equal(2);
    expect(stderr).to.match(/japaneast: no region has it\n/);
  });

  it('ends a wait with 1 as soon as a region refuses, and names the role that is missing', async () => {
    data.images.push({ registry: registry.name, repository: 'one', tag: 'refused' });
    data.tokens.withoutPull.add(arm.environment.AZURE_CLIENT_ID ?? '');
    const { code, stdout } = await run('one:refused myacr0007 --wait');
    expect(code).to.equal(1);
    expect(stdout).to.match(/Unknown.*refuses your identity \(HTTP 401.*AcrPull/);
  });

  it('assumes the endpoints where the caller may not read the registry, and says so', async () => {
    data.images.push({ registry: registry.name, repository: 'one', tag: 'pull-only' });
    arm.azure.faults.add({ kind: 'forbidden', actions: ['Microsoft.ContainerRegistry/registries/read'] });
    const denied = await run('one:pull-only myacr0007');
    expect(denied.code).to.equal(1);
    expect(denied.stderr).to.match(/^error: .*your identity/);
    const patch = JSON.stringify({ status: { registry: { loginServer: 'myacr0007.azurecr.io' } } });
    const args = ['patch', 'georep', 'myacr0007', '--subresource=status', '--type=merge', '-p', patch];
    expect((await kubectl(cluster.kubeconfig, args)).code).to.equal(0);
    const { code, stderr } = await run('one:pull-only myacr0007');
    expect({ code, stderr }).to.deep.equal({
      code: 0,
      stderr:
        'Azure does not let you read whether registry myACR0007 has regional endpoints; it is assumed that it has.\n',
    });
  });

  it('sends no token to a host that is no registry of Azure, whatever the status of the object says', async () => {
    arm.azure.faults.add({ kind: 'forbidden', actions: ['Microsoft.ContainerRegistry/registries/read'] });
    const status = (loginServer: string) => JSON.stringify({ status: { registry: { loginServer } } });
    const patch = (loginServer: string) => {
      const args = ['patch', 'georep', 'myacr0007', '--subresource=status', '--type=merge', '-p', status(loginServer)];
      return kubectl(cluster.kubeconfig, args);
    };
    await patch('myacr0007.example.com');
    const before = proxy.requests.length;
    const { code } = await run('one:v1 myacr0007');
    expect(code).to.equal(1);
    expect(proxy.requests.slice(before)).to.deep.equal([]);
    await patch('myacr0007.azurecr.io');
  });

  it('asks which object is meant, and finds it by the login server', async () => {
    expect(await run('team/web:1')).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: name one of the 2 RegistryReplications in namespace default: myacr0007, otheracr1\n',
    });
    expect((await run('nowhere.azurecr.io/team/web:1')).stderr).to.equal(
      'error: there is no RegistryReplication for nowhere.azurecr.io in namespace default\n',
    );
  });

  it('refuses an object of another registry than that of the image', async () => {
    const patch = JSON.stringify({ status: { registry: { loginServer: 'myacr0007.azurecr.io' } } });
    const args = ['patch', 'georep', 'myacr0007', '--subresource=status', '--type=merge', '-p', patch];
    expect((await kubectl(cluster.kubeconfig, args)).code).to.equal(0);
    expect(await run('otheracr1.azurecr.io/team/web:1 myacr0007')).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: myacr0007 is for myacr0007.azurecr.io, and the image is of otheracr1.azurecr.io\n',
    });
  });

  it('refuses an image without tag or digest', async () => {
    expect((await run('team/web myacr0007')).stderr).to.equal(
      'error: the image must be REPOSITORY:TAG or REPOSITORY@DIGEST, such as team/web:1.2, with a tag or digest\n',
    );
  });
});
