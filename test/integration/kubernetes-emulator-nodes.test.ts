// Nodes and ConfigMaps, on the emulator and, with KUBEBUILDER_ASSETS, on a real API server.
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { startCluster, type TestCluster } from '../cluster.ts';
import { type KubectlOutcome, kubectl, missingKubectl } from '../emulators/kubectl.ts';
import { type Connection, connect, serverOf } from '../emulators/kubernetes/connection.ts';
import type { KubeObject } from '../emulators/kubernetes/object.ts';
import type { Status } from '../emulators/kubernetes/status.ts';

const missing = missingKubectl();
const nodes = '/api/v1/nodes';
const configMaps = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };
const region = 'topology.kubernetes.io/region';

const ready = (status: 'True' | 'False') => ({ conditions: [{ type: 'Ready', status }] });

describe(`nodes and config maps${missing ? ` (pending: ${missing})` : ''}`, () => {
  let cluster: TestCluster;
  let server: Connection;

  before(async function () {
    if (missing) this.skip();
    cluster = await startCluster();
    server = connect(serverOf(await readFile(cluster.kubeconfig, 'utf8')));
  });
  after(async () => {
    server?.close();
    await cluster?.close();
  });
  afterEach(async () => {
    await server.request('DELETE', nodes);
    await server.request('DELETE', configMaps);
  });

  const run = (args: string, input?: string): Promise<KubectlOutcome> =>
    kubectl(cluster.kubeconfig, args.split(' '), input === undefined ? {} : { input });

  /** The output of a command that must succeed. */
  async function succeed(args: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await run(args, input);
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  async function createNode(name: string, labels: object = {}, rest: object = {}): Promise<KubeObject> {
    const { code, body } = await server.request<KubeObject>('POST', nodes, { metadata: { name, labels }, ...rest });
    expect(code, JSON.stringify(body)).to.equal(201);
    return body;
  }

  /** The words of each line, without the column AGE. */
  const words = (table: string) =>
    table
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/).filter((word) => word && word !== 'AGE' && !/^\d+[sm]\d*s?$/.test(word)));

  describe('a node', () => {
    it('gets a taint and an empty status when it is created, and keeps a status that it is created with', async () => {
      const bare = await createNode('bare');
      expect(bare.metadata).to.not.have.property('namespace');
      expect(bare.spec).to.deep.equal({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
      expect(bare.status).to.have.nested.property('nodeInfo.kubeletVersion', '');
      const status = { nodeInfo: { kubeletVersion: 'v1.33.0' } };
      expect((await createNode('aks', {}, { status })).status).to.nested.include({
        'nodeInfo.kubeletVersion': 'v1.33.0',
        'nodeInfo.osImage': '',
      });
    });

    it('is shown with its readiness, roles, version and addresses', async () => {
      const roles = { 'node-role.kubernetes.io/agent': '', 'kubernetes.io/role': 'web' };
      const addresses = [{ type: 'InternalIP', address: '10.0.0.4' }];
      const status = { ...ready('True'), addresses, nodeInfo: { kubeletVersion: 'v1.33.0', osImage: 'Ubuntu' } };
      await createNode('aks', roles, { status });
      await createNode('cordoned', {}, { spec: { unschedulable: true } });
      await createNode('down', {}, { status: ready('False') });
      expect(words(await succeed('get nodes'))).to.deep.equal([
        ['NAME', 'STATUS', 'ROLES', 'VERSION'],
        ['aks', 'Ready', 'agent,web', 'v1.33.0'],
        ['cordoned', 'Unknown,SchedulingDisabled', '<none>'],
        ['down', 'NotReady', '<none>'],
      ]);
      expect(words(await succeed('get no aks -o wide'))).to.deep.equal([
        [
          'NAME',
          'STATUS',
          'ROLES',
          'VERSION',
          'INTERNAL-IP',
          'EXTERNAL-IP',
          'OS-IMAGE',
          'KERNEL-VERSION',
          'CONTAINER-RUNTIME',
        ],
        ['aks', 'Ready', 'agent,web', 'v1.33.0', '10.0.0.4', '<none>', 'Ubuntu', '<unknown>', '<unknown>'],
      ]);
    });

    it('is labelled, cordoned, tainted and deleted with kubectl', async () => {
      await createNode('aks');
      await succeed(`label node aks ${region}=japaneast`);
      await succeed(`label node aks ${region}=westeurope --overwrite`);
      expect(await succeed('cordon aks')).to.equal('node/aks cordoned\n');
      expect(await succeed('taint node aks k=v:NoSchedule')).to.equal('node/aks tainted\n');
      expect(words(await succeed(`get nodes -L ${region}`))[1]).to.deep.equal([
        'aks',
        'Unknown,SchedulingDisabled',
        '<none>',
        'westeurope',
      ]);
      const { body } = await server.request<KubeObject>('GET', `${nodes}/aks`);
      expect(body.spec).to.have.property('unschedulable', true);
      expect(body.spec).to.have.property('taints').with.length(2);
      expect(await succeed('delete node aks')).to.equal('node "aks" deleted\n');
      expect((await run('get node aks')).stderr).to.match(/nodes "aks" not found/);
    });

    it('is selected by labels and by spec.unschedulable', async () => {
      await createNode('a', { [region]: 'japaneast' });
      await createNode('b', { [region]: 'westeurope' }, { spec: { unschedulable: true } });
      await createNode('c');
      expect(await succeed(`get nodes -l ${region} -o name`)).to.equal('node/a\nnode/b\n');
      expect(await succeed(`get nodes -l ${region}=japaneast -o name`)).to.equal('node/a\n');
      expect(await succeed('get nodes --field-selector=spec.unschedulable=true -o name')).to.equal('node/b\n');
      const refused = await server.request<Status>('GET', `${nodes}?fieldSelector=spec.providerID%3Dx`);
      expect(refused.code).to.equal(400);
      expect(refused.body.message).to.equal('field label not supported: spec.providerID');
    });

    it('has its status apart from its spec', async () => {
      await createNode('aks');
      await server.request('PATCH', `${nodes}/aks`, { status: { phase: 'Running' } }, merge);
      await server.request(
        'PATCH',
        `${nodes}/aks/status`,
        { spec: { unschedulable: true }, status: ready('True') },
        merge,
      );
      const { body } = await server.request<KubeObject>('GET', `${nodes}/aks/status`);
      expect(body.status).to.not.have.property('phase');
      expect(body.spec).to.not.have.property('unschedulable');
      expect(words(await succeed('get node aks'))[1]).to.deep.equal(['aks', 'Ready', '<none>']);
    });

    it('has no namespace', async () => {
      expect((await server.request('GET', '/api/v1/namespaces/default/nodes')).code).to.equal(404);
    });
  });

  describe('a config map', () => {
    const create = (name: string, rest: object = {}) =>
      server.request<KubeObject & Status>('POST', configMaps, { metadata: { name }, ...rest });

    it('is created, applied, patched, described and shown with kubectl', async () => {
      expect(await succeed('create configmap a --from-literal=region=japaneast')).to.equal('configmap/a created\n');
      const manifest = (location: string) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\ndata:\n  region: ${location}\n  more: x\n`;
      expect(await succeed('apply -f -', manifest('eastus'))).to.equal('configmap/b created\n');
      expect(await succeed('apply -f -', manifest('westus'))).to.equal('configmap/b configured\n');
      expect(await succeed('apply -f -', manifest('westus'))).to.equal('configmap/b unchanged\n');
      await succeed('patch cm b -p {"data":{"more":null,"x":"y","z":"1"}}');
      expect(words(await succeed('get cm'))).to.deep.equal([
        ['NAME', 'DATA'],
        ['a', '1'],
        ['b', '3'],
      ]);
      expect(await succeed('describe cm a')).to.match(/Data\n====\nregion:\n----\njapaneast\n/);
      expect(await succeed('explain configmap.data')).to.match(/data <map\[string\]string>/);
    });

    it('is applied on the server, and loses what its manager no longer applies', async () => {
      const manifest = (key: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  ${key}: x\n`;
      await succeed('apply --server-side -f -', manifest('one'));
      await succeed('apply --server-side -f -', manifest('two'));
      expect(await succeed('get cm a -o jsonpath={.data}')).to.equal('{"two":"x"}');
    });

    it('has keys of letters, digits, dots, dashes and underscores, each only once', async () => {
      const messageOf = async (data: object) => (await create('a', data)).body.message;
      expect(await messageOf({ data: { 'a b': 'x' } })).to.equal(
        'ConfigMap "a" is invalid: data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric ' +
          "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is " +
          "'[-._a-zA-Z0-9]+')",
      );
      expect(await messageOf({ binaryData: { '..': 'AAEC' } })).to.equal(
        `ConfigMap "a" is invalid: binaryData[..]: Invalid value: "..": must not be '..'`,
      );
      expect(await messageOf({ data: { x: '1' }, binaryData: { x: 'AAEC' } })).to.equal(
        'ConfigMap "a" is invalid: data[x]: Invalid value: "x": duplicate of key present in binaryData',
      );
      expect((await create('a', { data: { x: 1 } })).code).to.equal(400);
      expect((await create('a', { binaryData: { x: '!' } })).code).to.equal(400);
      expect((await create('a', { data: { x: 'x'.repeat(1024 * 1024 + 1) } })).code).to.equal(422);
    });

    it('keeps its data, and not its labels, once it is immutable', async () => {
      await create('a', { immutable: true, data: { x: '1' } });
      const patch = (body: object) => server.request<Status>('PATCH', `${configMaps}/a`, body, merge);
      expect((await patch({ data: { x: '2' } })).body.message).to.equal(
        'ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      );
      expect((await patch({ immutable: false })).code).to.equal(422);
      expect((await patch({ metadata: { labels: { x: '1' } } })).code).to.equal(200);
    });

    it('is listed without kind and apiVersion, as built-in objects are', async () => {
      await create('a', { data: { x: '1' } });
      const { body } = await server.request<{ kind: string; items: KubeObject[] }>('GET', configMaps);
      expect(Object.keys(body)).to.deep.equal(['kind', 'apiVersion', 'metadata', 'items']);
      expect(body.kind).to.equal('ConfigMapList');
      expect(Object.keys(body.items[0] ?? {})).to.deep.equal(['metadata', 'data']);
    });
  });
});
