import type { KubernetesObject } from '@kubernetes/client-node';
import { expect } from 'chai';
import { collection, groupResource } from '../../../../src/kubernetes/client/collection.ts';
import { widgets } from '../widget.ts';
import { serverForEachTest } from './scripted-api-server.ts';

describe('a collection', () => {
  const api = serverForEachTest();
  const nodes = { group: '', version: 'v1', plural: 'nodes', namespaced: false, metadataOnly: true };

  it('of the core group has its path and its name', () => {
    expect(collection(api.cluster, nodes).path()).to.equal('/api/v1/nodes');
    expect(collection(api.cluster, { ...nodes, plural: 'configmaps' }).path('team-a')).to.equal(
      '/api/v1/namespaces/team-a/configmaps',
    );
    expect([groupResource(nodes), groupResource(widgets)]).to.deep.equal(['nodes', 'widgets.example.dev']);
  });

  it('asks for metadata only, where that is enough', async () => {
    const listed = collection(api.cluster, nodes).list();
    const asked = await api.server.requests.next();
    expect(asked.headers.accept).to.equal(
      'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json',
    );
    // kube-apiserver 1.20 sends null for an empty list in this form.
    asked.json({ kind: 'PartialObjectMetadataList', metadata: { resourceVersion: '7' }, items: null });
    expect((await listed).items).to.deep.equal([]);
    const whole = collection(api.cluster, widgets).list();
    const next = await api.server.requests.next();
    expect(next.headers.accept).to.equal('application/json');
    next.list([], '7');
    await whole;
  });

  it('transforms each page before it asks for the next one', async () => {
    const seen: (string | undefined)[] = [];
    const transform = ({ metadata }: KubernetesObject) => {
      seen.push(metadata?.name);
      return { metadata: { name: `${metadata?.name}!` } };
    };
    const listed = collection(api.cluster, { ...widgets, transform }).list();
    (await api.server.requests.next()).list([{ metadata: { name: 'a' } }], '7', 'more');
    const second = await api.server.requests.next();
    expect(seen).to.deep.equal(['a']);
    second.list([{ metadata: { name: 'b' } }], '7');
    expect((await listed).items.map(({ metadata }) => metadata?.name)).to.deep.equal(['a!', 'b!']);
  });
});
