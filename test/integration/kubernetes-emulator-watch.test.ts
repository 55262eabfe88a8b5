// Watches of the Kubernetes emulator: their events, their start and their end, by a fake clock.
import { expect } from 'chai';
import { type Connection, connect, type OpenWatch, type WatchEvent } from '../emulators/kubernetes/connection.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import type { KubeObject } from '../emulators/kubernetes/object.ts';
import type { Status } from '../emulators/kubernetes/status.ts';
import { FakeClock } from '../fake-clock.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const merge = { 'content-type': 'application/merge-patch+json' };

describe('a watch of the Kubernetes emulator', () => {
  let clock: FakeClock;
  let emulator: KubernetesEmulator;
  let server: Connection;

  beforeEach(async () => {
    clock = new FakeClock();
    emulator = await startKubernetesEmulator({ clock });
    server = connect(emulator);
  });

  afterEach(async () => {
    server.close();
    await emulator.close();
  });

  async function create(name: string, labels: Record<string, string> = {}): Promise<KubeObject> {
    const { body } = await server.request<KubeObject>('POST', leases, { metadata: { name, labels } });
    return body;
  }

  async function label(name: string, labels: Record<string, string | null>): Promise<KubeObject> {
    const { body } = await server.request<KubeObject>('PATCH', `${leases}/${name}`, { metadata: { labels } }, merge);
    return body;
  }

  const remove = (name: string) => server.request('DELETE', `${leases}/${name}`);

  const watch = (query: string) => server.watch<KubeObject>(`${leases}?watch=true&${query}`);

  const describeEvent = (event: WatchEvent<KubeObject> | undefined) =>
    event && `${event.type} ${event.object.metadata.name}`;

  async function next(open: OpenWatch<KubeObject>, count: number): Promise<(string | undefined)[]> {
    const events: (string | undefined)[] = [];
    while (events.length < count) events.push(describeEvent(await open.next()));
    return events;
  }

  for (const query of ['', 'resourceVersion=0']) {
    it(`begins with the existing objects ${query ? 'from version 0' : 'without a version'}`, async () => {
      await create('a');
      const open = await watch(query);
      await create('b');
      expect(await next(open, 2)).to.deep.equal(['ADDED a', 'ADDED b']);
    });
  }

  it('resumes with every change after the requested version', async () => {
    const { metadata } = await create('a');
    await create('b');
    await label('a', { x: '1' });
    await remove('b');
    const open = await watch(`resourceVersion=${metadata.resourceVersion}`);
    expect(await next(open, 3)).to.deep.equal(['ADDED b', 'MODIFIED a', 'DELETED b']);
  });

  it('sends a deletion with its own version, so that a watch can resume after it', async () => {
    const { metadata } = await create('a');
    const open = await watch(`resourceVersion=${metadata.resourceVersion}`);
    await remove('a');
    const event = await open.next();
    expect(event?.type).to.equal('DELETED');
    expect(Number(event?.object.metadata.resourceVersion)).to.be.above(Number(metadata.resourceVersion));
  });

  it('shows an object as added and deleted when it begins to match a selector and no longer does', async () => {
    const { metadata } = await create('a');
    const open = await watch(`resourceVersion=${metadata.resourceVersion}&labelSelector=x`);
    await label('a', { y: '1' });
    await label('a', { x: '1' });
    await label('a', { x: '2' });
    const { metadata: last } = await label('a', { x: null });
    expect(await next(open, 2)).to.deep.equal(['ADDED a', 'MODIFIED a']);
    const gone = await open.next();
    expect(gone?.type).to.equal('DELETED');
    expect(gone?.object.metadata).to.include({ resourceVersion: last.resourceVersion });
    expect(gone?.object.metadata.labels).to.include({ x: '2' });
  });

  it('sends only the object that a field selector names', async () => {
    const open = await watch('fieldSelector=metadata.name%3Db');
    await create('a');
    await create('b');
    expect(await next(open, 1)).to.deep.equal(['ADDED b']);
  });

  it('ends without an error after timeoutSeconds, and by itself after half an hour', async () => {
    const short = await watch('timeoutSeconds=10');
    const long = await watch('');
    await clock.advance(10_000);
    expect(await short.next()).to.equal(undefined);
    await create('a');
    expect(await next(long, 1)).to.deep.equal(['ADDED a']);
    await clock.advance(30 * 60_000);
    expect(await long.next()).to.equal(undefined);
  });

  it('sends bookmarks every minute and at the end, if requested', async () => {
    const other = await server.request<KubeObject>('POST', '/api/v1/namespaces', { metadata: { name: 'elsewhere' } });
    const open = await watch('allowWatchBookmarks=true&timeoutSeconds=90');
    await clock.advance(60_000);
    const bookmark = await open.next();
    expect(bookmark).to.deep.include({ type: 'BOOKMARK' });
    expect(bookmark?.object).to.include({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' });
    expect(bookmark?.object.metadata.resourceVersion).to.equal(other.body.metadata.resourceVersion);
    await clock.advance(30_000);
    expect((await open.next())?.type).to.equal('BOOKMARK');
    expect(await open.next()).to.equal(undefined);
  });

  it('leaves no timer behind that would keep the process alive', async () => {
    const open = await watch('allowWatchBookmarks=true&timeoutSeconds=10');
    await clock.advance(10_000);
    expect((await open.next())?.type).to.equal('BOOKMARK');
    expect(await open.next()).to.equal(undefined);
    expect(clock.nextIn).to.equal(undefined);
  });

  it('reports by an ERROR event that the requested history is gone', async () => {
    const { metadata } = await create('a');
    await create('b');
    emulator.compact();
    const open = await server.watch<Status>(`${leases}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    const event = await open.next();
    expect(event?.type).to.equal('ERROR');
    expect(event?.object).to.deep.include({ kind: 'Status', code: 410, reason: 'Expired' });
    expect(event?.object.message).to.match(/^too old resource version: \d+ \(\d+\)$/);
    expect(await open.next()).to.equal(undefined);
  });

  it('reports it by the HTTP status 410 instead, if a test asks for that', async () => {
    const { metadata } = await create('a');
    await create('b');
    emulator.compact('status');
    const path = `${leases}?watch=true&resourceVersion=${metadata.resourceVersion}`;
    const { code, body } = await server.request<Status>('GET', path);
    expect(code).to.equal(410);
    expect(body.reason).to.equal('Expired');
  });

  it('continues through a compaction, and resumes from the newest version after it', async () => {
    const { metadata } = await create('a');
    const open = await watch(`resourceVersion=${metadata.resourceVersion}`);
    emulator.compact();
    await create('b');
    expect(await next(open, 1)).to.deep.equal(['ADDED b']);
    const resumed = await watch(`resourceVersion=${metadata.resourceVersion}`);
    expect(await next(resumed, 1)).to.deep.equal(['ADDED b']);
  });

  it('ends without an error when the server closes its watches, and can be opened again', async () => {
    const { metadata } = await create('a');
    const open = await watch(`resourceVersion=${metadata.resourceVersion}`);
    emulator.closeWatches();
    expect(await open.next()).to.equal(undefined);
    const again = await watch(`resourceVersion=${metadata.resourceVersion}`);
    await create('b');
    expect(await next(again, 1)).to.deep.equal(['ADDED b']);
  });

  it('ends when its resource is deleted', async () => {
    await emulator.close();
    emulator = await startKubernetesEmulator({ clock, crds: ['crds/registryreplications.yaml'] });
    server = connect(emulator);
    const open = await server.watch('/apis/georeplication.dev/v1alpha1/registryreplications?watch=1');
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await server.request('DELETE', `${definitions}/registryreplications.georeplication.dev`);
    expect(await open.next()).to.equal(undefined);
  });

  it('refuses sendInitialEvents, as a server without WatchList does', async () => {
    const path = `${leases}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`;
    const { code, body } = await server.request<Status>('GET', path);
    expect(code).to.equal(422);
    expect(body.message).to.match(/sendInitialEvents is forbidden/);
  });

  it('sends Tables if requested, with the columns named once', async () => {
    await create('a');
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    type Table = { columnDefinitions: object[] | null; rows: { cells: unknown[] }[] };
    const open = await server.watch<Table>(`${leases}?watch=1`, { accept });
    await create('b');
    const first = await open.next();
    expect(first?.object.columnDefinitions).to.have.length(3);
    const second = await open.next();
    expect(second?.object.columnDefinitions).to.equal(null);
    expect(second?.object.rows[0]?.cells[0]).to.equal('b');
  });
});
