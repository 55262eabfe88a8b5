// Reads of metadata only (PartialObjectMetadata), on the emulator and, with KUBEBUILDER_ASSETS, on a real API server.
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { startCluster, type TestCluster } from '../cluster.ts';
import { type Connection, connect, serverOf } from '../emulators/kubernetes/connection.ts';
import type { KubeObject } from '../emulators/kubernetes/object.ts';
import type { Status } from '../emulators/kubernetes/status.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const replications = '/apis/georeplication.dev/v1alpha1/namespaces/default/registryreplications';
const merge = { 'content-type': 'application/merge-patch+json' };

const as = (kind: string) => ({ accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` });
const asOne = as('PartialObjectMetadata');
const asList = as('PartialObjectMetadataList');

interface List {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[] | null;
}

const replication = (name: string) => ({
  apiVersion: 'georeplication.dev/v1alpha1',
  kind: 'RegistryReplication',
  metadata: { name, annotations: { note: 'x' }, labels: { team: 'web' } },
  spec: {
    registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'rg', name: 'myACR0007' },
    regions: [{ location: 'japaneast' }],
  },
});

describe('metadata only', () => {
  let cluster: TestCluster;
  let server: Connection;

  before(async () => {
    cluster = await startCluster();
    server = connect(serverOf(await readFile(cluster.kubeconfig, 'utf8')));
  });
  after(async () => {
    server?.close();
    await cluster?.close();
  });
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c']) {
      const { code } = await server.request('POST', configMaps, {
        metadata: { name, labels: { name } },
        data: { x: '1' },
      });
      expect(code).to.equal(201);
    }
  });
  afterEach(async () => {
    for (const name of ['a', 'b', 'c']) await server.request('DELETE', `${configMaps}/${name}`);
    await server.request('DELETE', `${replications}/a`);
  });

  const get = <Body>(path: string, headers: Readonly<Record<string, string>>) =>
    server.request<Body>('GET', path, undefined, headers);
  const createReplication = () => server.request('POST', replications, replication('a'));

  it('has the kind PartialObjectMetadata, and nothing but metadata, in the order of Go’s fields', async () => {
    await createReplication();
    for (const path of [`${configMaps}/a`, `${replications}/a`]) {
      const { code, body } = await get<KubeObject>(path, asOne);
      expect(code).to.equal(200);
      expect(Object.keys(body)).to.deep.equal(['kind', 'apiVersion', 'metadata']);
      expect(body).to.include({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
      const custom = path.startsWith(replications);
      expect(Object.keys(body.metadata)).to.deep.equal([
        ...['name', 'namespace', 'uid', 'resourceVersion'],
        ...(custom ? ['generation'] : []),
        ...['creationTimestamp', 'labels'],
        ...(custom ? ['annotations'] : []),
        'managedFields',
      ]);
    }
  });

  it('is listed page by page, all pages as of the first', async () => {
    const selector = 'labelSelector=name';
    const first = await get<List>(`${configMaps}?${selector}&limit=2`, asList);
    expect(first.code).to.equal(200);
    expect(Object.keys(first.body)).to.deep.equal(['kind', 'apiVersion', 'metadata', 'items']);
    expect(first.body).to.include({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(first.body.items?.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).to.deep.equal([
      'PartialObjectMetadata a',
      'PartialObjectMetadata b',
    ]);
    await server.request('DELETE', `${configMaps}/c`);
    const next = `${configMaps}?${selector}&limit=2&continue=${first.body.metadata.continue}`;
    const second = await get<List>(next, asList);
    expect(second.body.items?.map(({ metadata }) => metadata.name)).to.deep.equal(['c']);
    expect(second.body.metadata).to.deep.equal({ resourceVersion: first.body.metadata.resourceVersion });
  });

  it('has no items instead of an empty list if there are none', async () => {
    for (const collection of [configMaps, replications]) {
      expect((await get<List>(`${collection}?labelSelector=none`, asList)).body.items).to.equal(null);
      expect((await get<List>(`${collection}?labelSelector=none`, {})).body.items).to.deep.equal([]);
    }
  });

  it('reports in a watch also a change outside the metadata', async () => {
    const open = await server.watch<KubeObject>(`${configMaps}?watch=1&labelSelector=name%3Da`, asOne);
    await server.request('PATCH', `${configMaps}/a`, { data: { x: '2' } }, merge);
    await server.request('DELETE', `${configMaps}/a`);
    for (const type of ['ADDED', 'MODIFIED', 'DELETED']) {
      const event = await open.next();
      expect(event?.type).to.equal(type);
      expect(Object.keys(event?.object ?? {})).to.deep.equal(['kind', 'apiVersion', 'metadata']);
      expect(event?.object).to.include({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
    }
    open.close();
  });

  it('is refused for a list as that of one object, and the other way round', async () => {
    await createReplication();
    const messageOf = async (path: string, headers: Readonly<Record<string, string>>) => {
      const { code, body } = await get<Status>(path, headers);
      return `${code} ${body.message}`;
    };
    const list = '406 you requested PartialObjectMetadata, but the requested object is a list';
    expect(await messageOf(configMaps, asOne)).to.equal(`${list} (*core.ConfigMapList)`);
    expect(await messageOf(replications, asOne)).to.equal(`${list} (*unstructured.UnstructuredList)`);
    const one = '406 you requested PartialObjectMetadataList, but the requested object is not a list';
    expect(await messageOf(`${configMaps}/a`, asList)).to.equal(`${one} (*core.ConfigMap)`);
    expect(await messageOf(`${replications}/a`, asList)).to.equal('500 content is not a list');
  });

  it('ends a watch that accepts only lists at its first event', async () => {
    const open = await server.watch<KubeObject>(`${configMaps}?watch=1&labelSelector=name`, asList);
    expect(await open.next()).to.equal(undefined);
  });

  it('is the only other form besides Tables: another one, version or group is not acceptable', async () => {
    const others = [
      'application/json;as=Other;v=v1;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadata;v=v2;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadata;v=v1;g=other',
      'application/json;as=PartialObjectMetadata',
    ];
    for (const accept of others) {
      for (const path of [configMaps, `${configMaps}/a`, `${configMaps}?watch=1`]) {
        const { code, body } = await get<Status>(path, { accept });
        expect(code, accept).to.equal(406);
        expect(body.reason).to.equal('NotAcceptable');
        expect(body.message).to.match(/^only the following media types are accepted: application\/json/);
      }
    }
    const accept = `${others[0]},application/json`;
    expect((await get<KubeObject>(`${configMaps}/a`, { accept })).body.kind).to.equal('ConfigMap');
  });

  it('is what writes answer, and not what errors and deletions answer', async () => {
    const created = await server.request<KubeObject>('POST', configMaps, { metadata: { name: 'd' } }, asOne);
    expect(created.code).to.equal(201);
    expect(created.body.kind).to.equal('PartialObjectMetadata');
    const deleted = await server.request<Status>('DELETE', `${configMaps}/d`, undefined, asOne);
    expect(deleted.body).to.include({ kind: 'Status', status: 'Success' });
    const missing = await get<Status>(`${configMaps}/d`, asOne);
    expect(missing.code).to.equal(404);
    expect(missing.body.message).to.equal('configmaps "d" not found');
  });
});
