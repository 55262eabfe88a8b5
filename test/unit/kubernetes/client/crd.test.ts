import { expect } from 'chai';
import { isTerminating, readDefinition } from '../../../../src/kubernetes/client/crd.ts';
import { type Asked, serverForEachTest } from './scripted-api-server.ts';

describe('a CRD', () => {
  const api = serverForEachTest();

  it('is terminating when it is being deleted or gone, and unknown during an outage', async () => {
    const ask = async (answer: (asked: Asked) => void) => {
      const result = isTerminating(api.cluster, 'widgets.example.dev').catch((error: { code: number }) => error.code);
      const asked = await api.server.requests.next();
      expect(asked.url.pathname).to.equal(
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.dev',
      );
      answer(asked);
      return result;
    };
    expect(await ask((asked) => asked.json({ metadata: {} }))).to.equal(false);
    expect(await ask((asked) => asked.json({ metadata: { deletionTimestamp: '2026-11-22T00:00:00Z' } }))).to.equal(
      true,
    );
    const missing = { kind: 'Status', code: 404, reason: 'NotFound', details: { name: 'widgets.example.dev' } };
    expect(await ask((asked) => asked.json(missing, 404))).to.equal(true);
    expect(await ask((asked) => asked.refuse(404, '404 page not found')), 'of the path').to.equal(404);
    expect(await ask((asked) => asked.refuse(403, 'forbidden'))).to.equal(403);
  });

  it('is read as it is, with the names of OpenAPI', async () => {
    const definition = { spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { enum: ['a'] } } }] } };
    const read = readDefinition(api.cluster, 'widgets.example.dev');
    (await api.server.requests.next()).json(definition);
    expect(await read).to.deep.equal(definition);

    const refused = readDefinition(api.cluster, 'widgets.example.dev').catch((error: { code: number }) => error.code);
    (await api.server.requests.next()).refuse(403, 'forbidden');
    expect(await refused).to.equal(403);
  });
});
