// Kinds that appear, change and go while they are discovered and watched, and requests that the authorizer refuses: on the
// emulator and, with KUBEBUILDER_ASSETS, on a real API server.
import { readFile } from 'node:fs/promises';
import type { V1CustomResourceDefinition } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import type { Account } from '../access.ts';
import { establish, startCluster, type TestCluster } from '../cluster.ts';
import { type Connection, connect, type OpenWatch, serverOf } from '../emulators/kubernetes/connection.ts';
import type { KubeObject } from '../emulators/kubernetes/object.ts';
import type { Status } from '../emulators/kubernetes/status.ts';
import { eventually } from '../real-api-server.ts';

const group = 'example.dev';
const version = `/apis/${group}/v1`;
const widgets = `${version}/widgets`;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definition: V1CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Cluster',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
const jsonPatch = { 'content-type': 'application/json-patch+json' };

describe('a kind', () => {
  let cluster: TestCluster;
  let admin: KubeClient;
  let server: Connection;

  before(async () => {
    cluster = await startCluster({ crds: [] });
    admin = createKubeClient(loadKubeConfig(cluster.kubeconfig));
    server = connect(serverOf(await readFile(cluster.kubeconfig, 'utf8')));
  });
  after(async () => {
    server?.close();
    await admin?.close();
    await cluster?.close();
  });
  beforeEach(() => establish(admin, definition));
  afterEach(async () => {
    await server.request('DELETE', `${definitions}/widgets.${group}`);
    await untilGone();
  });

  const get = <Body>(path: string) => server.request<Body>('GET', path);

  /** Until neither the definition nor its discovery nor its objects are served. */
  const untilGone = () =>
    eventually(async () => {
      const answers = await Promise.all([`${definitions}/widgets.${group}`, version, widgets].map((path) => get(path)));
      return answers.every(({ code }) => code === 404);
    });

  async function create(name: string): Promise<KubeObject> {
    const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name } };
    const { code, body } = await server.request<KubeObject>('POST', widgets, widget);
    expect(code, JSON.stringify(body)).to.equal(201);
    return body;
  }

  const patchDefinition = (...operations: object[]) =>
    server.request('PATCH', `${definitions}/widgets.${group}`, operations, jsonPatch);

  /** The types of the events until the watch ends. */
  async function untilEnd(open: OpenWatch<KubeObject>): Promise<string[]> {
    const types: string[] = [];
    for (let event = await open.next(); event; event = await open.next()) types.push(event.type);
    return types;
  }

  it('is discovered by its group and version', async () => {
    interface Discovered {
      readonly groupVersion: string;
      readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
    }
    await eventually(async () => (await get(version)).code === 200);
    const { body } = await get<Discovered>(version);
    expect(body.groupVersion).to.equal(`${group}/v1`);
    expect(body.resources).to.have.length(1);
    expect(body.resources[0]).to.include({ name: 'widgets', kind: 'Widget', namespaced: false });
  });

  it('that is not known is plain text with code 404, and in a built-in group a Status', async () => {
    for (const path of ['/apis/unknown.dev', '/apis/unknown.dev/v1', `/apis/${group}/v2`, `${version}/foos`]) {
      const { code, headers, body } = await get<string>(path);
      expect(code, path).to.equal(404);
      expect(headers['content-type']).to.match(/^text\/plain/);
      expect(body).to.equal('404 page not found\n');
    }
    for (const path of ['/api/v1/foos', '/apis/coordination.k8s.io/v1/foos', '/apis/coordination.k8s.io/v2']) {
      const { code, body } = await get<Status>(path);
      expect(code, path).to.equal(404);
      expect(body.message).to.equal('the server could not find the requested resource');
    }
  });

  it('ends its watches when its definition is deleted, after the deletion of its objects', async () => {
    await create('a');
    const open = await server.watch<KubeObject>(`${widgets}?watch=1`);
    expect((await open.next())?.type).to.equal('ADDED');
    await server.request('DELETE', `${definitions}/widgets.${group}`);
    expect(await untilEnd(open)).to.deep.equal(['DELETED']);
    await untilGone();
    expect((await get(`${widgets}?watch=1`)).code).to.equal(404);
  });

  it('returns without objects, and has no history from before', async () => {
    const { metadata } = await create('a');
    await server.request('DELETE', `${definitions}/widgets.${group}`);
    await untilGone();
    await establish(admin, definition);
    expect((await get<{ items: KubeObject[] }>(widgets)).body.items).to.be.empty;
    const open = await server.watch<Status>(`${widgets}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    const event = await open.next();
    expect(event?.type).to.equal('ERROR');
    expect(event?.object).to.include({ code: 410, reason: 'Expired' });
  });

  it('ends its watches when the spec of its definition changes, and keeps its objects', async () => {
    await create('a');
    const open = await server.watch<KubeObject>(`${widgets}?watch=1`);
    await patchDefinition({ op: 'add', path: '/spec/names/shortNames', value: ['wi'] });
    expect(await untilEnd(open)).to.deep.equal(['ADDED']);
    await eventually(async () => (await get(widgets)).code === 200);
    expect((await get<{ items: KubeObject[] }>(widgets)).body.items).to.have.length(1);
  });

  it('is not found while no version of it is served, and has its objects afterwards', async () => {
    await create('a');
    const open = await server.watch<KubeObject>(`${widgets}?watch=1`);
    const serve = (value: boolean) => patchDefinition({ op: 'replace', path: '/spec/versions/0/served', value });
    await serve(false);
    expect(await untilEnd(open)).to.deep.equal(['ADDED']);
    await eventually(async () => (await get(widgets)).code === 404 && (await get(version)).code === 404);
    await serve(true);
    await eventually(async () => (await get(widgets)).code === 200);
    expect((await get<{ items: KubeObject[] }>(widgets)).body.items).to.have.length(1);
  });

  it('hides what its changed definition does not know, has it again with the old one, and drops it at a write', async () => {
    const fields = '/spec/versions/0/schema/openAPIV3Schema/properties';
    const know = () => patchDefinition({ op: 'add', path: fields, value: { size: { type: 'string' } } });
    const forget = () => patchDefinition({ op: 'remove', path: fields });
    const merge = (name: string, patch: object) =>
      server.request('PATCH', `${widgets}/${name}`, patch, { 'content-type': 'application/merge-patch+json' });
    const sizeOf = async (name: string) => (await get<{ size?: string }>(`${widgets}/${name}`)).body.size;
    const untilStored = (name: string) =>
      eventually(async () => {
        await merge(name, { size: 'large' });
        return (await sizeOf(name)) === 'large';
      });
    for (const name of ['a', 'b']) await create(name);
    await know();
    await untilStored('a');
    await forget();
    await eventually(async () => (await sizeOf('a')) === undefined);
    await know();
    await eventually(async () => (await sizeOf('a')) === 'large');

    await forget();
    await eventually(async () => (await sizeOf('a')) === undefined);
    await merge('a', { metadata: { labels: { written: 'again' } } });
    await know();
    await untilStored('b');
    expect(await sizeOf('a')).to.equal(undefined);
  });

  describe('that a user may not read', () => {
    const account: Account = { namespace: 'default', name: 'reader' };
    const user = 'User "system:serviceaccount:default:reader"';
    const list = { verb: 'list', group, resource: 'widgets' };
    const watch = { ...list, verb: 'watch' };
    let reader: Connection;

    before(async () => {
      await server.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: account.name } });
      reader = connect(serverOf(await cluster.kubeconfigOf(account)));
    });
    after(() => reader?.close());
    beforeEach(() => cluster.forbid(account, [list, watch]));

    it('is forbidden, installed or not, with the API server’s message', async () => {
      const { code, body } = await reader.request<Status>('GET', widgets);
      expect(code).to.equal(403);
      expect(body.reason).to.equal('Forbidden');
      expect(body.message).to.equal(
        `widgets.${group} is forbidden: ${user} cannot list resource "widgets" in API group "${group}" at the cluster scope`,
      );
      expect(body.details).to.deep.equal({ group, kind: 'widgets' });
      await server.request('DELETE', `${definitions}/widgets.${group}`);
      await untilGone();
      expect((await reader.request('GET', widgets)).code).to.equal(403);
      expect((await reader.request('GET', version)).code).to.equal(404);
    });

    it('is named with its namespace if the request has one', async () => {
      await cluster.forbid(account, [{ ...list, group: '', resource: 'configmaps', namespace: 'default' }]);
      const { body } = await reader.request<Status>('GET', '/api/v1/namespaces/default/configmaps');
      expect(body.message).to.equal(
        `configmaps is forbidden: ${user} cannot list resource "configmaps" in API group "" in the namespace "default"`,
      );
      expect(body.details).to.deep.equal({ kind: 'configmaps' });
    });

    it('is listed once that is permitted, and watched on when it no longer is', async () => {
      await cluster.permit(account, [list, watch]);
      expect((await reader.request('GET', widgets)).code).to.equal(200);
      const open = await reader.watch<KubeObject>(`${widgets}?watch=1`);
      await cluster.forbid(account, [list, watch]);
      expect((await reader.request('GET', widgets)).code).to.equal(403);
      expect((await reader.request('GET', `${widgets}?watch=1`)).code).to.equal(403);
      await create('a');
      expect((await open.next())?.type).to.equal('ADDED');
      open.close();
    });

    it('appears as forbidden in the audit log', async () => {
      await reader.request('GET', `${widgets}?watch=1`);
      await eventually(async () =>
        (await cluster.accessesOf(account)).some(({ verb, resource, isForbidden }) =>
          Boolean(isForbidden && verb === 'watch' && resource === 'widgets'),
        ),
      );
    });
  });
});
