// The operator as deploy/metrics-secure runs it: its metrics over HTTPS, for whom the API server gives the right; and that it has
// itself the rights to ask.
import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { permissionsOf, wordsFor } from '../access.ts';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { built, type Deployment, literalEnv, only } from '../manifests.ts';
import { openScene, type Scene } from './scene.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const folder = 'deploy/metrics-secure';
const scraper = { namespace: operatorAccount.namespace, name: 'prometheus' };

describeWithKubectl('an operator with secure metrics', () => {
  let scene: Scene;
  let port: number;

  before(async () => {
    const [container] = only<Deployment>(await built(folder), 'Deployment').spec.template.spec.containers;
    scene = await openScene({ timings: instant, env: literalEnv(container), deployment: { folder } });
    const { metricsPort } = await scene.operator.said(({ metricsPort }) => metricsPort !== undefined);
    port = Number(metricsPort);
  });
  after(() => scene?.close());

  async function scrape(token?: string): Promise<{ status: number; body: string }> {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const outgoing = request({ host: '127.0.0.1', port, path: '/metrics', headers, rejectUnauthorized: false });
    outgoing.end();
    const [incoming] = await once(outgoing, 'response');
    return { status: incoming.statusCode, body: await text(incoming) };
  }

  it('answers whoever has the role of the component, and nobody else', async () => {
    if (scene.kubernetes.hasRoles) {
      await scene.kubectl(`create serviceaccount ${scraper.name} -n ${scraper.namespace}`);
      await scene.kubectl([
        'create',
        'clusterrolebinding',
        'scrapers',
        '--clusterrole=acr-replication-metrics-reader',
        `--serviceaccount=${scraper.namespace}:${scraper.name}`,
      ]);
      await scene.kubernetes.untilPermitted(scraper, [{ path: '/metrics' }]);
    } else await scene.kubernetes.grant(scraper, '/metrics');
    const config = new KubeConfig();
    config.loadFromString(await scene.kubernetes.kubeconfigOf(scraper));
    const token = config.getCurrentUser()?.token ?? '';
    config.loadFromFile(scene.operatorKubeconfig);
    const without = config.getCurrentUser()?.token ?? '';

    expect((await scrape()).status).to.equal(401);
    expect((await scrape('nonsense')).status).to.equal(401);
    expect((await scrape(without)).status).to.equal(403);
    const { status, body } = await scrape(token);
    expect(status).to.equal(200);
    expect(body).to.contain('georeplication_objects{phase="Ready"} 0');
    const logged = JSON.stringify([scene.operator.log, scene.operator.noise]);
    for (const secret of [token, without]) expect(logged).not.to.contain(secret);
  });

  it('has exactly the rights to ask that it uses', async () => {
    const [secure, plain] = await Promise.all([built(folder), built('deploy')]);
    const before = permissionsOf(plain, operatorAccount).map(wordsFor);
    const added = permissionsOf(secure, operatorAccount).map(wordsFor);
    const reviews = added.filter((permission) => !before.includes(permission));
    const asked = (await scene.kubernetes.accessesOf(operatorAccount)).map(wordsFor);
    expect(reviews).to.have.length(2);
    expect(asked).to.include.members(reviews);
  });
});
