import { expect } from 'chai';
import { discover, parseApiVersion } from '../../../../src/kubernetes/client/discovery.ts';
import { isForbidden } from '../../../../src/kubernetes/client/errors.ts';
import { serverForEachTest } from './scripted-api-server.ts';

describe('an apiVersion', () => {
  it('is a group and a version, or for the core group a version', () => {
    expect(parseApiVersion('cluster.kubernetes-fleet.io/v1')).to.deep.equal({
      group: 'cluster.kubernetes-fleet.io',
      version: 'v1',
    });
    expect(parseApiVersion('v1')).to.deep.equal({ group: '', version: 'v1' });
  });

  it('that could lead to another URL is none', () => {
    for (const text of [
      '',
      '/',
      '/v1',
      'a/',
      'a/b/c',
      '../v1',
      'a/..',
      'a/v1?x',
      'a/v1%2f',
      'A/v1',
      'a b/v1',
      'a/v1\n',
    ]) {
      expect(parseApiVersion(text), JSON.stringify(text)).to.equal(undefined);
    }
  });
});

describe('discovery', () => {
  const api = serverForEachTest();
  const verbs = ['get', 'list', 'watch'];
  const fleet = { group: 'cluster.kubernetes-fleet.io', version: 'v1' };

  it('finds the plural and the scope of a kind, in one request for its group and version', async () => {
    const found = discover(api.cluster, fleet, 'MemberCluster');
    const asked = await api.server.requests.next();
    expect(`${asked.method} ${asked.url.pathname}`).to.equal('GET /apis/cluster.kubernetes-fleet.io/v1');
    asked.json({
      resources: [
        { name: 'memberclusters/status', kind: 'MemberCluster', namespaced: false, verbs },
        { name: 'memberclusters', kind: 'MemberCluster', namespaced: false, verbs },
      ],
    });
    expect(await found).to.deep.equal({ ...fleet, plural: 'memberclusters', namespaced: false });
    expect(api.server.requests.all).to.have.length(1);
  });

  it('finds kinds of the core group', async () => {
    const found = discover(api.cluster, { group: '', version: 'v1' }, 'ConfigMap');
    const asked = await api.server.requests.next();
    expect(asked.url.pathname).to.equal('/api/v1');
    asked.json({ resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs }] });
    expect(await found).to.deep.include({ plural: 'configmaps', namespaced: true });
  });

  it('finds nothing if the group version is not served, has no such kind, or it cannot be watched', async () => {
    const inGroup = async (answer: (asked: Awaited<ReturnType<typeof api.server.requests.next>>) => void) => {
      const found = discover(api.cluster, fleet, 'MemberCluster');
      answer(await api.server.requests.next());
      return found;
    };
    expect(await inGroup((asked) => asked.refuse(404, '404 page not found'))).to.equal(undefined);
    expect(await inGroup((asked) => asked.json({ resources: [] }))).to.equal(undefined);
    const other = { name: 'memberclusters', kind: 'MemberCluster', namespaced: false, verbs: ['create'] };
    expect(await inGroup((asked) => asked.json({ resources: [other] }))).to.equal(undefined);
  });

  it('passes on other errors', async () => {
    const found = discover(api.cluster, fleet, 'MemberCluster').catch((error: unknown) => error);
    (await api.server.requests.next()).refuse(403, 'no');
    expect(isForbidden(await found)).to.equal(true);
  });
});
