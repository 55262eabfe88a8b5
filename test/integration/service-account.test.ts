import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { clientAnnotations } from '../../src/azure/identity/federated-credential.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { explain } from '../../src/kubernetes/client/errors.ts';
import { namespaceReader } from '../../src/kubernetes/client/namespace.ts';
import { type ServiceAccounts, serviceAccounts } from '../../src/kubernetes/client/service-account.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubeApi } from '../kube-api.ts';

const account = { namespace: 'web', name: 'registries' };

describe('annotations and tokens of ServiceAccounts', () => {
  let server: TestCluster;
  let cluster: KubeClient;
  let api: CoreV1Api;
  let accounts: ServiceAccounts;

  before(async () => {
    server = await startCluster({ crds: [] });
    cluster = createKubeClient(loadKubeConfig(server.kubeconfig));
    api = kubeApi(cluster, CoreV1Api);
    accounts = serviceAccounts(cluster, systemClock, clientAnnotations);
    await api.createNamespace({ body: { metadata: { name: 'web', annotations: { said: 'so' } } } });
    const { namespace, name } = account;
    const body = { metadata: { name, annotations: { 'azure.workload.identity/client-id': 'x' } } };
    await api.createNamespacedServiceAccount({ namespace, body });
  });
  after(async () => {
    await cluster?.close();
    await server?.close();
  });

  it('are read from the API server', async () => {
    const read = namespaceReader(cluster, systemClock, ['said']);
    expect(await read('web', 0)).to.deep.include({ annotations: { said: 'so' } });
    const { metadata } = await api.readNamespacedServiceAccount(account);
    expect(await accounts.annotations(account, 0)).to.deep.equal({
      annotations: { 'azure.workload.identity/client-id': 'x' },
      uid: metadata?.uid,
    });
  });

  it('may come from the cache, up to the given age', async () => {
    const read = namespaceReader(cluster, systemClock, ['said']);
    await read('web', 0);
    const change = [{ op: 'add', path: '/metadata/annotations/said', value: 'otherwise' }];
    await api.patchNamespace({ name: 'web', body: change });
    expect(await read('web', 60_000)).to.deep.include({ annotations: { said: 'so' } });
    expect(await read('web', 0)).to.deep.include({ annotations: { said: 'otherwise' } });
  });

  it('are refused as missing if there is no such account', async () => {
    const unknown = { namespace: 'web', name: 'unknown' };
    expect(await accounts.annotations(unknown, 0)).to.include({ refused: 'missing' });
    expect(await accounts.token(unknown, 'api://AzureADTokenExchange')).to.include({ refused: 'missing' });
    expect(await namespaceReader(cluster, systemClock, ['said'])('nowhere', 0)).to.include({ refused: 'missing' });
  });

  it('never come from another namespace, whatever the name', async () => {
    for (const name of ['../../default/serviceaccounts/registries', '%2e%2e', '..', 'web/registries']) {
      const answer = await accounts.annotations({ namespace: 'default', name }, 0).catch(explain);
      expect(JSON.stringify(answer), name).not.to.contain('client-id');
    }
  });

  it('include a token for one audience and ten minutes', async () => {
    const answer = await accounts.token(account, 'api://AzureADTokenExchange');
    const token = 'token' in answer ? answer.token : answer.words;
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect([claims.aud].flat()).to.deep.equal(['api://AzureADTokenExchange']);
    expect(claims.iss).to.equal('https://kubernetes.default.svc.cluster.local');
    expect(claims.sub).to.equal('system:serviceaccount:web:registries');
    expect(claims.exp - claims.iat).to.equal(600);
  });

  it('include no token while the namespace is being deleted', async () => {
    await api.createNamespace({ body: { metadata: { name: 'leaving' } } });
    const held = { name: 'registries', finalizers: ['example.com/held'] };
    await api.createNamespacedServiceAccount({ namespace: 'leaving', body: { metadata: held } });
    await api.deleteNamespace({ name: 'leaving' });
    const inIt = { ...account, namespace: 'leaving' };
    expect(await accounts.annotations(inIt, 0)).to.deep.include({ annotations: {} });
    expect(await accounts.token(inIt, 'a')).to.include({ refused: 'terminating' });
  });

  it('cannot have a shorter lifetime: the API server refuses such tokens', async () => {
    const spec = { audiences: ['a'], expirationSeconds: 599 };
    const refused = await api
      .createNamespacedServiceAccountToken({ ...account, body: { spec } })
      .then(() => 'it was given', explain);
    expect(refused).to.match(/422.*spec\.expirationSeconds.*may not specify a duration less than 10 minutes/);
  });

  if (process.env.KUBEBUILDER_ASSETS) {
    it('are refused to a client without the right', async () => {
      const config = new KubeConfig();
      config.loadFromString(await server.kubeconfigOf(account));
      const stranger = createKubeClient(config);
      const theirs = serviceAccounts(stranger, systemClock, []);
      const answers = [
        await theirs.annotations(account, 0),
        await theirs.token(account, 'a'),
        await namespaceReader(stranger, systemClock, [])('web', 0),
      ];
      await stranger.close();
      for (const answer of answers) expect(answer).to.include({ refused: 'forbidden' });
    });
  }
});
