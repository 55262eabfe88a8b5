import { expect } from 'chai';
import { annotationsOf } from '../../../../src/kubernetes/client/access-denied.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { type Asked, ScriptedApiServer } from './scripted-api-server.ts';

describe('the annotations of namespaces and ServiceAccounts', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;

  before(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
  });
  after(async () => {
    await cluster.close();
    await server.stop();
  });

  async function reading(answer: (asked: Asked) => void): Promise<unknown> {
    const asking = annotationsOf(cluster.getJson('/api/v1/namespaces/web'), ['read']);
    const asked = await server.requests.next(({ url }) => url.pathname === '/api/v1/namespaces/web');
    answer(asked);
    return asking.catch((error: Error) => error.name);
  }

  it('are empty if there are none', async () => {
    const metadata = { name: 'web', uid: 'c0ffee' };
    expect(await reading((asked) => asked.json({ metadata }))).to.deep.equal({ annotations: {}, uid: 'c0ffee' });
  });

  it('are filtered to those that the operator reads', async () => {
    const metadata = { name: 'web', uid: 'c0ffee', annotations: { read: 'yes', other: 'x'.repeat(100_000) } };
    const kept = { annotations: { read: 'yes' }, uid: 'c0ffee' };
    expect(await reading((asked) => asked.json({ metadata }))).to.deep.equal(kept);
  });

  it('are refused without the right to read them', async () => {
    const words = 'namespaces "web" is forbidden: User "x" cannot get resource "namespaces"';
    expect(await reading((asked) => asked.refuse(403, words))).to.deep.equal({
      refused: 'forbidden',
      words: `the API server answered 403 Forbidden: ${words}`,
    });
  });

  it('are missing only if the API server has not found the object by its name', async () => {
    const status = { kind: 'Status', code: 404, message: 'namespaces "web" not found', details: { name: 'web' } };
    expect(await reading((asked) => asked.json(status, 404))).to.include({ refused: 'missing' });
    expect(await reading((asked) => asked.refuse(404, 'the server could not find the requested resource'))).to.be.a(
      'string',
    );
  });

  it('are unknown while the API server is unavailable', async () => {
    expect(await reading((asked) => asked.refuse(503, 'overloaded'))).to.be.a('string');
    expect(await reading((asked) => asked.cut())).to.equal('ApiServerUnreachable');
  });
});
