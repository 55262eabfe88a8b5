// The Kubernetes emulator answers as kube-apiserver does (compared by hand with 1.20.2).
import { expect } from 'chai';
import { type Connection, connect, type HttpResponse } from '../emulators/kubernetes/connection.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import type { KubeObject } from '../emulators/kubernetes/object.ts';
import type { Status } from '../emulators/kubernetes/status.ts';

const group = '/apis/georeplication.dev/v1alpha1';
const objects = `${group}/namespaces/default/registryreplications`;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definition = `${definitions}/registryreplications.georeplication.dev`;
const merge = { 'content-type': 'application/merge-patch+json' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };

function replication(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { name, ...metadata },
    spec: {
      registry: {
        subscriptionId: '00000000-0000-0000-0000-000000000000',
        resourceGroup: 'rg',
        name: 'myACR0007',
        ...('registry' in spec ? (spec.registry as object) : {}),
      },
      regions: [{ location: 'japaneast' }],
      ...Object.fromEntries(Object.entries(spec).filter(([field]) => field !== 'registry')),
    },
  };
}

describe('the Kubernetes emulator', () => {
  let emulator: KubernetesEmulator;
  let server: Connection;

  beforeEach(async () => {
    emulator = await startKubernetesEmulator({ crds: ['crds/registryreplications.yaml'] });
    server = connect(emulator);
  });

  afterEach(async () => {
    server.close();
    await emulator.close();
  });

  const get = <Body = KubeObject>(path: string, headers?: Record<string, string>) =>
    server.request<Body>('GET', path, undefined, headers);
  const post = <Body = KubeObject>(path: string, body: unknown, headers?: Record<string, string>) =>
    server.request<Body>('POST', path, body, headers);
  const put = <Body = KubeObject>(path: string, body: unknown) => server.request<Body>('PUT', path, body);
  const patch = <Body = KubeObject>(path: string, body: unknown, headers: Record<string, string> = merge) =>
    server.request<Body>('PATCH', path, body, headers);
  const remove = <Body = Status>(path: string, body?: unknown) => server.request<Body>('DELETE', path, body);

  function expectStatus(answer: HttpResponse<unknown>, code: number, reason: string, message: string | RegExp) {
    const status = answer.body as Status;
    expect(answer.code, status.message).to.equal(code);
    expect(status.kind).to.equal('Status');
    expect(status.reason).to.equal(reason);
    if (typeof message === 'string') expect(status.message).to.equal(message);
    else expect(status.message).to.match(message);
  }

  describe('as a server', () => {
    it('answers 401 without a token and with an unknown one', async () => {
      const stranger = connect({ ...emulator, token: 'another' });
      expectStatus(await stranger.request('GET', objects), 401, 'Unauthorized', 'Unauthorized');
      stranger.close();
    });

    it('shows its version and health without authentication', async () => {
      const stranger = connect({ ...emulator, token: '' });
      const { body } = await stranger.request<{ major: string; minor: string }>('GET', '/version');
      expect(`${body.major}.${body.minor}`).to.equal('1.33');
      for (const path of ['/healthz', '/livez', '/readyz']) {
        expect((await stranger.request('GET', path)).body).to.equal('ok');
      }
      stranger.close();
    });

    it('answers 404 for unknown paths, resources and subresources', async () => {
      for (const path of ['/nothing', '/api/v1/pods', `${objects}/a/scale`]) {
        expectStatus(await get(path), 404, 'NotFound', 'the server could not find the requested resource');
      }
    });

    it('refuses a body that is not JSON, of another type, or too large', async () => {
      expectStatus(await post(objects, '{"apiVersion":'), 400, 'BadRequest', /json parse error/);
      expectStatus(await post(objects, '{}', { 'content-type': 'text/foo' }), 415, 'UnsupportedMediaType', /accepted/);
      const huge = replication('huge', {}, { annotations: { a: 'x'.repeat(4 * 1024 * 1024) } });
      expectStatus(await post(objects, huge), 413, 'RequestEntityTooLarge', /limit is 3145728/);
    });

    it('accepts YAML as well as JSON', async () => {
      const yaml = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: yaml}\n';
      const { code } = await post('/api/v1/namespaces', yaml, { 'content-type': 'application/yaml' });
      expect(code).to.equal(201);
    });

    it('lists the media types that it offers to a client that does not accept JSON', async () => {
      expectStatus(await get(objects, { accept: 'application/xml' }), 406, 'NotAcceptable', /only the following/);
    });
  });

  describe('creating', () => {
    it('sets metadata and defaults, and replaces the status by its default', async () => {
      const sent = { ...replication('a', {}, { labels: { team: 'web' } }), status: { phase: 'Ready' } };
      const { code, body } = await post(objects, sent);
      expect(code).to.equal(201);
      expect(body.metadata).to.include({ name: 'a', namespace: 'default', generation: 1 });
      expect(body.metadata.uid).to.match(/^[0-9a-f-]{36}$/);
      expect(body.metadata.creationTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Number(body.metadata.resourceVersion)).to.be.above(0);
      expect(body.spec).to.include({ prune: 'Delete', deletionPolicy: 'Delete', mode: 'Manage', suspend: false });
      expect(body.status).to.deep.equal({ observedGeneration: -1 });
      expect((await get(`${objects}/a`)).body).to.deep.equal(body);
    });

    it('generates a name from generateName', async () => {
      const { body } = await post(objects, replication('', {}, { generateName: 'geo-' }));
      expect(body.metadata.name).to.match(/^geo-[a-z0-9]{5}$/);
    });

    it('refuses an existing name', async () => {
      await post(objects, replication('a'));
      const message = 'registryreplications.georeplication.dev "a" already exists';
      expectStatus(await post(objects, replication('a')), 409, 'AlreadyExists', message);
    });

    it('refuses an unknown namespace, or another one than the path has', async () => {
      const elsewhere = `${group}/namespaces/nowhere/registryreplications`;
      expectStatus(await post(elsewhere, replication('a')), 404, 'NotFound', 'namespaces "nowhere" not found');
      const other = replication('a', {}, { namespace: 'kube-system' });
      expectStatus(await post(objects, other), 400, 'BadRequest', /does not match the namespace sent on the request/);
    });

    it('refuses another kind or version than the path has', async () => {
      const kind = { ...replication('a'), kind: 'Foo' };
      expectStatus(
        await post(objects, kind),
        422,
        'Invalid',
        /kind: Invalid value: "Foo": must be RegistryReplication/,
      );
      const version = { ...replication('a'), apiVersion: 'v1' };
      expectStatus(await post(objects, version), 400, 'BadRequest', /does not match the expected API version/);
    });

    it('stores nothing on a dry run', async () => {
      expect((await post(`${objects}?dryRun=All`, replication('a'))).code).to.equal(201);
      expect((await get(`${objects}/a`)).code).to.equal(404);
    });

    it('drops unknown fields with a warning, or refuses them in strict mode', async () => {
      const unknown = replication('a', { speling: 1 });
      expectStatus(
        await post(`${objects}?fieldValidation=Strict`, unknown),
        400,
        'BadRequest',
        'RegistryReplication in version "v1alpha1" cannot be handled as a RegistryReplication: strict decoding error: unknown field "spec.speling"',
      );
      const { headers, body } = await post(objects, unknown);
      expect(headers.warning).to.equal('299 - "unknown field \\"spec.speling\\""');
      expect(body.spec).to.not.have.property('speling');
      const ignored = await post(`${objects}?fieldValidation=Ignore`, replication('b', { speling: 1 }));
      expect(ignored.headers).to.not.have.property('warning');
    });
  });

  describe('a schema', () => {
    async function refused(spec: object): Promise<string> {
      const answer = await post<Status>(objects, replication('bad', spec));
      expect(answer.code, JSON.stringify(answer.body)).to.equal(422);
      return answer.body.message ?? '';
    }

    const sentences: [what: string, spec: object, sentence: string][] = [
      ['a required field', { regions: [{ routing: 'Enabled' }] }, 'spec.regions[0].location: Required value'],
      ['an enum', { prune: 'X' }, 'spec.prune: Unsupported value: "X": supported values: "Delete", "Retain"'],
      [
        'a type',
        { suspend: 'yes' },
        'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
      ],
      [
        'a maximum length',
        { interval: '1'.repeat(32).concat('m') },
        'spec.interval: Too long: may not be more than 32 bytes',
      ],
      [
        'a minimum of items',
        { regions: [] },
        'spec.regions: Invalid value: 0: spec.regions in body should have at least 1 items',
      ],
      [
        'a maximum of items',
        { regions: Array.from({ length: 101 }, (_, i) => ({ location: `region${i}` })) },
        'spec.regions: Too many: 101: must have at most 100 items',
      ],
      [
        'the keys of a list-map',
        { regions: [{ location: 'japaneast' }, { location: 'japaneast' }] },
        'spec.regions[1]: Duplicate value: map[string]interface {}{"location":"japaneast"}',
      ],
      [
        'a rule over a list',
        { regions: [{ location: 'japaneast' }, { location: 'Japan East' }] },
        'spec.regions: Invalid value: "array": a region is listed twice; "Japan East" and "japaneast" are the same region',
      ],
      [
        'a rule over a duration',
        { interval: '30s' },
        'spec.interval: Invalid value: "string": the interval is a duration of at least 1m, such as 10m or 1h30m',
      ],
      [
        'a rule over a name',
        { registry: { name: 'my-acr' } },
        `spec.registry.name: Invalid value: "string": a registry's name has 5 to 50 letters and digits`,
      ],
    ];
    for (const [what, spec, sentence] of sentences) {
      it(`refuses what violates ${what}, with the API server's message`, async () => {
        expect(await refused(spec)).to.include(sentence);
      });
    }

    it("refuses violations of a pattern or a minimum length with the API server's message", async () => {
      const schema = {
        type: 'object',
        properties: { colour: { type: 'string', pattern: '^[a-z]+$' }, shape: { type: 'string', minLength: 1 } },
      };
      const names = { kind: 'Toy', listKind: 'ToyList', plural: 'toys', singular: 'toy' };
      const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } };
      const made = await post(definitions, {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'toys.example.dev' },
        spec: { group: 'example.dev', scope: 'Namespaced', names, versions: [version] },
      });
      expect(made.code).to.equal(201);
      const toy = { apiVersion: 'example.dev/v1', kind: 'Toy', metadata: { name: 'bear' }, colour: 'Red', shape: '' };
      const message =
        /colour: Invalid value: "Red": colour in body should match '\^\[a-z\]\+\$', shape: Invalid value: "": shape in body should be at least 1 chars long/;
      expectStatus(await post('/apis/example.dev/v1/namespaces/default/toys', toy), 422, 'Invalid', message);
    });

    it('reports that rules were not checked if something they may need is missing', async () => {
      expect(await refused({ registry: { name: null } })).to.match(/some validation rules were not checked/);
    });

    it('accepts what satisfies every rule', async () => {
      const regions = [
        { location: 'Japan East', tags: { team: 'web' } },
        { location: 'westeurope', routing: 'WhenReady' },
      ];
      expect((await post(objects, replication('good', { regions, interval: '1h30m' }))).code).to.equal(201);
    });

    it('compares with the old value in a transition rule, on updates only', async () => {
      const { body } = await post(objects, replication('a'));
      const changed = { ...replication('a', { registry: { name: 'another' } }), metadata: body.metadata };
      const message = /spec.registry: Invalid value: "object": the registry cannot be changed/;
      expectStatus(await put(`${objects}/a`, changed), 422, 'Invalid', message);
    });

    it('refuses names and labels that Kubernetes does not allow', async () => {
      expectStatus(
        await post(objects, replication('Bad_x')),
        422,
        'Invalid',
        /metadata.name: Invalid value: "Bad_x": a lowercase RFC 1123/,
      );
      const labelled = replication('a', {}, { labels: { 'a b': 'c' } });
      expectStatus(await post(objects, labelled), 422, 'Invalid', /metadata.labels: Invalid value: "a b"/);
      const annotated = replication('a', {}, { annotations: { a: 1 } });
      expectStatus(await post(objects, annotated), 400, 'BadRequest', /metadata.annotations.a.*must be of type string/);
    });
  });

  describe('updating', () => {
    let stored: KubeObject;

    beforeEach(async () => {
      ({ body: stored } = await post(objects, replication('a')));
    });

    it('increments the generation on a change of the spec, and not on one of labels', async () => {
      const labelled = await patch(`${objects}/a`, { metadata: { labels: { a: 'b' } } });
      expect(labelled.body.metadata.generation).to.equal(1);
      const changed = await patch(`${objects}/a`, { spec: { suspend: true } });
      expect(changed.body.metadata.generation).to.equal(2);
    });

    it('changes nothing, not even the version, when nothing is different', async () => {
      // The first write stores the status, which was only a default until then (seen: kube-apiserver 1.20).
      const first = await patch(`${objects}/a`, { spec: { mode: 'Manage' } });
      const second = await patch(`${objects}/a`, { spec: { mode: 'Manage' } });
      expect(second.body.metadata.resourceVersion).to.equal(first.body.metadata.resourceVersion);
    });

    it('refuses an outdated version', async () => {
      await patch(`${objects}/a`, { spec: { suspend: true } });
      const message =
        'Operation cannot be fulfilled on registryreplications.georeplication.dev "a": the object has been modified; ' +
        'please apply your changes to the latest version and try again';
      expectStatus(await put(`${objects}/a`, stored), 409, 'Conflict', message);
      const { resourceVersion } = stored.metadata;
      expectStatus(await patch(`${objects}/a`, { metadata: { resourceVersion } }), 409, 'Conflict', message);
    });

    it('requires a version when a custom resource is replaced', async () => {
      const message = /metadata.resourceVersion: Invalid value: 0x0: must be specified for an update/;
      expectStatus(await put(`${objects}/a`, replication('a')), 422, 'Invalid', message);
    });

    it('keeps status and spec apart: each is written through its own path only', async () => {
      const status = await patch(`${objects}/a/status`, {
        metadata: { labels: { a: 'b' }, finalizers: ['a/b'] },
        spec: { suspend: true },
        status: { phase: 'Ready', unknown: 1 },
      });
      const expected = { observedGeneration: -1, phase: 'Ready' };
      expect(status.body).to.deep.include({ spec: stored.spec, status: expected });
      expect(status.body.metadata).to.not.have.any.keys('labels', 'finalizers');
      expect(status.body.metadata.generation).to.equal(1);
      const main = await patch(`${objects}/a`, { spec: { suspend: true }, status: { phase: 'Failed' } });
      expect(main.body.status).to.deep.equal(expected);
      expect((main.body.spec as { suspend: boolean }).suspend).to.equal(true);
    });

    it('keeps the fields that only the server sets', async () => {
      const forged = {
        creationTimestamp: '2001-01-01T00:00:00Z',
        generation: 9,
        deletionTimestamp: '2001-01-01T00:00:00Z',
      };
      const { body } = await patch(`${objects}/a`, { metadata: forged, spec: { suspend: true } });
      expect(body.metadata.creationTimestamp).to.equal(stored.metadata.creationTimestamp);
      expect(body.metadata.generation).to.equal(2);
      expect(body.metadata).to.not.have.property('deletionTimestamp');
      expectStatus(await patch(`${objects}/a`, { metadata: { uid: 'x' } }), 422, 'Invalid', /field is immutable/);
      expectStatus(
        await patch(`${objects}/a`, { metadata: { name: 'b' } }),
        400,
        'BadRequest',
        /does not match the name/,
      );
    });

    it('applies a JSON patch, and refuses one whose test fails with 422', async () => {
      const test = { op: 'test', path: '/metadata/resourceVersion', value: stored.metadata.resourceVersion };
      const finalizers = { op: 'add', path: '/metadata/finalizers', value: ['georeplication.dev/replicas'] };
      const { body } = await patch(`${objects}/a`, [test, finalizers], jsonPatch);
      expect(body.metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
      const message = 'the server rejected our request due to an error in our request';
      expectStatus(await patch(`${objects}/a`, [test, finalizers], jsonPatch), 422, 'Invalid', message);
      const nowhere = [{ op: 'replace', path: '/metadata/nope/x', value: 1 }];
      expectStatus(await patch(`${objects}/a`, nowhere, jsonPatch), 422, 'Invalid', message);
    });

    it('refuses unsupported patch types with a reason', async () => {
      const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
      expectStatus(
        await patch(`${objects}/a`, {}, strategic),
        415,
        'UnsupportedMediaType',
        /application\/merge-patch\+json/,
      );
      const apply = { 'content-type': 'application/apply-patch+yaml' };
      const events = '/api/v1/namespaces/default/events/a?fieldManager=test';
      expectStatus(
        await patch(events, {}, apply),
        415,
        'UnsupportedMediaType',
        /use kubectl apply without --server-side/,
      );
    });

    it('needs a fieldManager for server-side apply, and takes force for nothing else', async () => {
      const apply = { 'content-type': 'application/apply-patch+yaml' };
      const required =
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch';
      expectStatus(await patch(`${objects}/a`, {}, apply), 422, 'Invalid', required);
      expectStatus(await patch(`${objects}/a?force=true`, {}), 422, 'Invalid', /force: Forbidden/);
    });

    it('answers 404 for an unknown object', async () => {
      const message = 'registryreplications.georeplication.dev "b" not found';
      for (const answer of [await get(`${objects}/b`), await patch(`${objects}/b`, {}), await remove(`${objects}/b`)]) {
        expectStatus(answer, 404, 'NotFound', message);
        expect((answer.body as Status).details).to.deep.equal({
          name: 'b',
          group: 'georeplication.dev',
          kind: 'registryreplications',
        });
      }
    });
  });

  describe('deleting', () => {
    it('removes an object without finalizers at once', async () => {
      const { body } = await post(objects, replication('a'));
      const gone = await remove(`${objects}/a`, { propagationPolicy: 'Background' });
      expect(gone.body).to.deep.include({ status: 'Success' });
      expect(gone.body.details).to.include({ name: 'a', uid: body.metadata.uid });
      expect((await get(`${objects}/a`)).code).to.equal(404);
    });

    it('waits for the last finalizer, and accepts no new one meanwhile', async () => {
      await post(objects, replication('a', {}, { finalizers: ['a/b', 'c/d'] }));
      const { body } = await remove<KubeObject>(`${objects}/a`);
      expect(body.metadata.deletionTimestamp).to.be.a('string');
      expect(body.metadata.generation).to.equal(2);
      expect((await remove<KubeObject>(`${objects}/a`)).body).to.deep.equal(body);
      const added = await patch(`${objects}/a`, { metadata: { finalizers: ['a/b', 'e/f'] } });
      expectStatus(added, 422, 'Invalid', /no new finalizers can be added if the object is being deleted.*"e\/f"/);
      expect((await patch(`${objects}/a`, { metadata: { finalizers: ['a/b'] } })).code).to.equal(200);
      expect((await get(`${objects}/a`)).code).to.equal(200);
      expect((await patch(`${objects}/a`, { metadata: { finalizers: null } })).code).to.equal(200);
      expect((await get(`${objects}/a`)).code).to.equal(404);
    });

    it('does nothing if a precondition fails', async () => {
      await post(objects, replication('a'));
      const uid = await remove(`${objects}/a`, { preconditions: { uid: 'x' } });
      expectStatus(uid, 409, 'Conflict', /the UID in the precondition \(x\) does not match the UID in record/);
      const version = await remove(`${objects}/a`, { preconditions: { resourceVersion: '1' } });
      expectStatus(version, 409, 'Conflict', /the ResourceVersion in the precondition \(1\) does not match/);
      expect((await get(`${objects}/a`)).code).to.equal(200);
    });

    it('deletes everything that a selector matches', async () => {
      await post(objects, replication('a', {}, { labels: { x: '1' } }));
      await post(objects, replication('b'));
      await remove(`${objects}?labelSelector=x`);
      const { body } = await get<{ items: KubeObject[] }>(objects);
      expect(body.items.map(({ metadata }) => metadata.name)).to.deep.equal(['b']);
    });

    it('empties a namespace before it removes it, and waits for finalizers', async () => {
      await post('/api/v1/namespaces', { metadata: { name: 'team' } });
      const inside = `${group}/namespaces/team/registryreplications`;
      await post(inside, replication('free'));
      await post(inside, replication('held', {}, { finalizers: ['a/b'] }));
      const { body } = await remove<KubeObject>('/api/v1/namespaces/team');
      expect(body.status).to.deep.equal({ phase: 'Terminating' });
      expect((await get(`${inside}/free`)).code).to.equal(404);
      const message = /unable to create new content in namespace team because it is being terminated/;
      expectStatus(await post(inside, replication('late')), 403, 'Forbidden', message);
      expect((await get('/api/v1/namespaces/team')).code).to.equal(200);
      await patch(`${inside}/held`, { metadata: { finalizers: [] } });
      expect((await get('/api/v1/namespaces/team')).code).to.equal(404);
    });

    it('refuses to delete the namespace default', async () => {
      expectStatus(await remove('/api/v1/namespaces/default'), 403, 'Forbidden', /this namespace may not be deleted/);
    });

    it('deletes the objects of a definition before the definition, and waits for their finalizers', async () => {
      await post(objects, replication('held', {}, { finalizers: ['a/b'] }));
      await remove(definition);
      const { body } = await get(definition);
      const { conditions } = body.status as unknown as { conditions: { type: string; status: string }[] };
      expect(conditions.find(({ type }) => type === 'Terminating')).to.include({ status: 'True' });
      expect((await get(`${objects}/held`)).body.metadata.deletionTimestamp).to.be.a('string');
      expectStatus(await post(objects, replication('late')), 405, 'MethodNotAllowed', /is terminating/);
      await patch(`${objects}/held`, { metadata: { finalizers: [] } });
      expect((await get(definition)).code).to.equal(404);
      expect((await get(objects)).code).to.equal(404);
    });
  });

  describe('listing', () => {
    const names = (answer: HttpResponse<{ items: KubeObject[] }>) =>
      answer.body.items.map(({ metadata }) => metadata.name);
    type List = {
      items: KubeObject[];
      metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
    };

    beforeEach(async () => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        await post(objects, replication(name, {}, { labels: { name, kind: name < 'c' ? 'early' : 'late' } }));
      }
    });

    const selectors: [selector: string, expected: string[]][] = [
      ['name=a', ['a']],
      ['name==a', ['a']],
      ['kind!=early', ['c', 'd', 'e']],
      ['name in (a, c)', ['a', 'c']],
      ['name notin (a,b),kind', ['c', 'd', 'e']],
      ['!kind', []],
      ['kind=late,name!=c', ['d', 'e']],
      ['absent!=x,name=a', ['a']],
    ];
    for (const [selector, expected] of selectors) {
      it(`selects by labels: ${selector}`, async () => {
        expect(names(await get<List>(`${objects}?labelSelector=${encodeURIComponent(selector)}`))).to.deep.equal(
          expected,
        );
      });
    }

    it('selects by name and namespace, and refuses other fields', async () => {
      const selector = encodeURIComponent('metadata.name=b,metadata.namespace=default');
      expect(names(await get<List>(`${group}/registryreplications?fieldSelector=${selector}`))).to.deep.equal(['b']);
      expectStatus(
        await get(`${objects}?fieldSelector=spec.x%3D1`),
        400,
        'BadRequest',
        'field label not supported: spec.x',
      );
    });

    it('refuses an invalid selector', async () => {
      const message = "unable to parse requirement: found 'x' expected: '('";
      expectStatus(await get(`${objects}?labelSelector=a%20in%20x`), 400, 'BadRequest', message);
    });

    it('lists all pages as of the first page', async () => {
      const first = await get<List>(`${objects}?limit=2`);
      expect(names(first)).to.deep.equal(['a', 'b']);
      expect(first.body.metadata.remainingItemCount).to.equal(3);
      await remove(`${objects}/d`);
      await post(objects, replication('bb'));
      await patch(`${objects}/c`, { spec: { suspend: true } });
      const second = await get<List>(`${objects}?limit=2&continue=${first.body.metadata.continue}`);
      expect(names(second)).to.deep.equal(['c', 'd']);
      expect(second.body.items[0]?.spec).to.include({ suspend: false });
      const third = await get<List>(`${objects}?limit=2&continue=${second.body.metadata.continue}`);
      expect(names(third)).to.deep.equal(['e']);
      expect(third.body.metadata).to.deep.equal({ continue: '', resourceVersion: first.body.metadata.resourceVersion });
    });

    it('answers 410 for a page whose history is gone, with a token to continue anyway', async () => {
      const { body } = await get<List>(`${objects}?limit=2`);
      await remove(`${objects}/c`);
      emulator.compact();
      const late = await get<Status>(`${objects}?limit=2&continue=${body.metadata.continue}`);
      expectStatus(late, 410, 'Expired', /The provided continue parameter is too old/);
      const anyway = await get<List>(`${objects}?limit=2&continue=${late.body.metadata.continue}`);
      expect(names(anyway)).to.deep.equal(['d', 'e']);
    });

    it('lists as of an exact version, and refuses a future one', async () => {
      const { resourceVersion } = (await get(`${objects}/b`)).body.metadata;
      const exact = `${objects}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`;
      expect(names(await get<List>(exact))).to.deep.equal(['a', 'b']);
      expectStatus(await get(`${objects}?resourceVersion=99999`), 504, 'Timeout', /Too large resource version: 99999/);
      expectStatus(
        await get(`${objects}?resourceVersionMatch=Exact`),
        422,
        'Invalid',
        /forbidden unless resourceVersion/,
      );
    });

    it('renders the columns of the definition as a Table', async () => {
      await patch(`${objects}/a/status`, {
        status: {
          phase: 'Ready',
          message: 'all is well',
          conditions: [
            {
              type: 'Available',
              status: 'True',
              reason: 'B',
              message: 'no',
              lastTransitionTime: '2026-11-22T00:00:00Z',
            },
            {
              type: 'Ready',
              status: 'True',
              reason: 'A',
              message: 'all is well',
              lastTransitionTime: '2026-11-22T00:00:00Z',
            },
          ],
        },
      });
      const { body } = await get<{
        kind: string;
        columnDefinitions: { name: string; priority: number }[];
        rows: { cells: unknown[]; object: KubeObject }[];
      }>(`${objects}/a`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' });
      expect(body.kind).to.equal('Table');
      const [row] = body.rows;
      const shown = body.columnDefinitions.map(({ name, priority }, at) => [
        priority ? `${name}+` : name,
        row?.cells[at],
      ]);
      const { Age, ...columns } = Object.fromEntries(shown);
      expect(columns).to.deep.equal({
        Name: 'a',
        Registry: 'myACR0007',
        Status: 'Ready',
        Ready: null,
        Syncing: null,
        Reason: 'A',
        'Home+': null,
        'Regions+': null,
        'Message+': 'all is well',
      });
      expect(Age).to.match(/^\d+s$/);
      expect(row?.object.kind).to.equal('PartialObjectMetadata');
    });
  });

  describe('built-in resources', () => {
    const events = '/apis/events.k8s.io/v1/namespaces/default/events';
    const event = {
      metadata: { name: 'a.1' },
      eventTime: '2026-11-22T00:00:00.000001Z',
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
        name: 'a',
      },
    };

    it('serves an event in both groups, each with its own field names', async () => {
      expect((await post(events, event)).body).to.deep.include({ note: event.note, regarding: event.regarding });
      const selector = 'involvedObject.name%3Da,involvedObject.kind%3DRegistryReplication';
      const { body } = await get<{ items: KubeObject[] }>(
        `/api/v1/namespaces/default/events?fieldSelector=${selector}`,
      );
      expect(body.items).to.have.length(1);
      expect(body.items[0]).to.deep.include({
        message: event.note,
        involvedObject: event.regarding,
        reportingComponent: event.reportingController,
        firstTimestamp: null,
      });
      const none = await get<{ items: KubeObject[] }>(`${events}?fieldSelector=regarding.name%3Db`);
      expect(none.body.items).to.be.empty;
    });

    it('updates the series of an event by a patch', async () => {
      await post(events, event);
      const series = { count: 2, lastObservedTime: '2026-11-22T00:05:00.000000Z' };
      expect((await patch(`${events}/a.1`, { series })).body.series).to.deep.equal(series);
    });

    it('refuses an event about another namespace, or without the fields that events.k8s.io requires', async () => {
      const { eventTime: _, ...timeless } = { ...event, regarding: { ...event.regarding, namespace: 'other' } };
      const message =
        /involvedObject.namespace: Invalid value: "other": does not match event.namespace.*eventTime: Required/;
      expectStatus(await post(events, timeless), 422, 'Invalid', message);
    });

    it('accepts an event with a series, and refuses one with fewer or more fields than events.k8s.io allows', async () => {
      const series = { count: 7, lastObservedTime: '2026-11-22T00:05:00.000000Z' };
      expect((await post(events, { ...event, series })).body.series).to.deep.equal(series);
      const refused = async (more: object, message: RegExp) =>
        expectStatus(await post(events, { ...event, metadata: { name: 'a.2' }, ...more }), 422, 'Invalid', message);
      await refused({ series: { count: 1 } }, /series.count: .*at least 2, series.lastObservedTime: Required value/);
      await refused({ deprecatedCount: 2 }, /^Event "a.2" is invalid: count: Invalid value: "": needs to be unset/);
      await refused({ type: 'Odd' }, /type: Invalid value: "": has invalid value: Odd/);
      await refused({ note: '日'.repeat(342) }, /message: Invalid value: "": can have at most 1024 characters/);
      await refused({ reportingInstance: 'x'.repeat(129), action: '' }, /can have at most 128 .*action: Required/);
      await refused(
        { reportingController: 'a b' },
        /reportingController: Invalid value: "a b": name part must consist/,
      );
      expect((await post(events, { ...event, metadata: { name: 'a.3' }, note: '日'.repeat(341) })).code).to.equal(201);
    });

    it('serves leases, with microsecond times and conflicts', async () => {
      const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
      const spec = { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2026-11-22T00:00:00.000001Z' };
      const { body } = await post(leases, { metadata: { name: 'leader' }, spec });
      expect(body.spec).to.deep.equal(spec);
      expect((await put(`${leases}/leader`, { ...body, spec: { ...spec, holderIdentity: 'two' } })).code).to.equal(200);
      expect((await put(`${leases}/other`, { metadata: { name: 'other' }, spec })).code).to.equal(201);
      expectStatus(await put(`${leases}/leader`, body), 409, 'Conflict', /leases.coordination.k8s.io "leader"/);
      const zero = { metadata: { name: 'zero' }, spec: { leaseDurationSeconds: 0 } };
      expectStatus(
        await post(leases, zero),
        422,
        'Invalid',
        /leaseDurationSeconds: Invalid value: 0: must be greater than 0/,
      );
      const coarse = { metadata: { name: 'coarse' }, spec: { renewTime: '2026-11-22T00:00:00Z' } };
      expectStatus(await post(leases, coarse), 400, 'BadRequest', /cannot be handled as a Lease: spec.renewTime/);
    });

    it('refuses a definition with a wrong name, rule or column', async () => {
      const { body } = await get(definition);
      const spec = structuredClone(body.spec) as unknown as {
        versions: { schema: { openAPIV3Schema: Record<string, unknown> }; additionalPrinterColumns: object[] }[];
      };
      const [version] = spec.versions;
      if (version) {
        version.schema.openAPIV3Schema['x-kubernetes-validations'] = [{ rule: 'self.nope(' }];
        version.additionalPrinterColumns = [{ name: 'X', type: 'string', jsonPath: 'spec[' }];
      }
      const broken = { apiVersion: body.apiVersion, kind: body.kind, metadata: { name: 'x.y' }, spec };
      const answer = await post<Status>(definitions, broken);
      expectStatus(answer, 422, 'Invalid', /metadata.name: Invalid value: "x.y": must be spec.names.plural/);
      expect(answer.body.message).to.match(/x-kubernetes-validations\[0\].rule.*compilation failed/);
      expect(answer.body.message).to.match(/additionalPrinterColumns\[0\].jsonPath.*unrecognized JSONPath/);
    });
  });
});
