import { expect } from 'chai';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { isConflict, isExpired } from '../../../../src/kubernetes/client/errors.ts';
import { type Resource, resource } from '../../../../src/kubernetes/client/resource.ts';
import { keepAnnotations } from '../../../../src/kubernetes/client/transform.ts';
import { type Widget, widget, widgets } from '../widget.ts';
import { ScriptedApiServer } from './scripted-api-server.ts';

describe('a resource', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let api: Resource<Widget>;
  const next = () => server.requests.next();
  const names = (list: { items: Widget[] }) => list.items.map((item) => item.metadata?.name);

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
    api = resource<Widget>(cluster, { ...widgets, transform: keepAnnotations('kept') });
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });

  it('is listed in pages of 500, as one list', async () => {
    const listed = api.list({ labelSelector: 'team=web' });
    const first = await next();
    expect(first.url.pathname).to.equal('/apis/example.dev/v1/widgets');
    expect(Object.fromEntries(first.url.searchParams)).to.deep.equal({ limit: '500', labelSelector: 'team=web' });
    first.list([widget('a', '1')], '7', 'more');
    const second = await next();
    expect(second.url.searchParams.get('continue')).to.equal('more');
    expect(second.url.searchParams.get('labelSelector')).to.equal('team=web');
    second.list([widget('b', '2')], '7', '');
    const list = await listed;
    expect(names(list)).to.deep.equal(['a', 'b']);
    expect(list.metadata?.resourceVersion).to.equal('7');
  });

  it('is listed without pages if a page has expired', async () => {
    const listed = api.list({ namespace: 'toys' });
    (await next()).list([widget('a', '1')], '7', 'more');
    (await next()).refuse(410, 'the provided continue parameter is too old');
    const whole = await next();
    expect(whole.url.pathname).to.equal('/apis/example.dev/v1/namespaces/toys/widgets');
    expect([...whole.url.searchParams.keys()]).to.deep.equal([]);
    whole.list([widget('a', '1'), widget('c', '9')], '9');
    expect(names(await listed)).to.deep.equal(['a', 'c']);
  });

  it('passes on a 410 of the first page', async () => {
    const listed = api.list().catch((error: unknown) => error);
    (await next()).refuse(410, 'gone');
    expect(isExpired(await listed)).to.equal(true);
  });

  it('comes without managed fields, labels and the annotations that the operator does not read', async () => {
    const bear = widget('bear', '1', {
      metadata: {
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', others: 'x', kept: 'yes' },
        labels: { team: 'web' },
        finalizers: ['example.dev/ours'],
        managedFields: [{ manager: 'kubectl' }],
      },
    });
    const got = api.get({ namespace: 'toys', name: 'bear' });
    const asked = await next();
    expect(asked.url.pathname).to.equal('/apis/example.dev/v1/namespaces/toys/widgets/bear');
    asked.json(bear);
    const kept = { annotations: { kept: 'yes' }, finalizers: ['example.dev/ours'] };
    expect((await got).metadata).to.deep.equal({ ...widget('bear', '1').metadata, ...kept });
    expect(keepAnnotations()({})).to.deep.equal({});
  });

  it('replaces its status only at the given resourceVersion', async () => {
    const bear = { ...widget('bear', '5'), status: { seen: 1 } };
    const written = api.replaceStatus(bear);
    const asked = await next();
    expect(`${asked.method} ${asked.url.pathname}`).to.equal(
      'PUT /apis/example.dev/v1/namespaces/toys/widgets/bear/status',
    );
    expect(asked.body).to.deep.equal(bear);
    asked.json(widget('bear', '6'));
    expect((await written).metadata?.resourceVersion).to.equal('6');

    const lost = api.replaceStatus(bear).catch((error: unknown) => error);
    (await next()).refuse(409, 'the object has been modified');
    expect(isConflict(await lost)).to.equal(true);
  });

  it('is patched by JSON patch', async () => {
    const operations = [{ op: 'test', path: '/metadata/uid', value: 'uid-bear' }] as const;
    const written = api.patch({ namespace: 'toys', name: 'bear' }, operations);
    const asked = await next();
    expect(asked.method).to.equal('PATCH');
    expect(asked.headers['content-type']).to.equal('application/json-patch+json');
    expect(asked.body).to.deep.equal(operations);
    asked.json(widget('bear', '6'));
    expect((await written).metadata?.name).to.equal('bear');
  });
});
