// The operator as deploy/ runs it: metrics over HTTPS, only for accounts that the API server authorizes.
import { expect } from 'chai';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { buildKustomization, type Deployment, findOnly, literalEnv } from '../manifests.ts';
import { bearerTokenOf, scrape } from '../scrape.ts';
import { openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const scraper = { namespace: operatorAccount.namespace, name: 'prometheus' };

describeWithKubectl('an operator with secure metrics', () => {
  let scene: Scene;

  before(async () => {
    const [container] = findOnly<Deployment>(await buildKustomization('deploy'), 'Deployment').spec.template.spec
      .containers;
    scene = await openScene({ timings: instant, env: literalEnv(container) });
  });
  after(() => scene?.close());

  it('serves accounts with the reader role, and no others', async () => {
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
    const token = await bearerTokenOf(scene.kubernetes, scraper);
    const without = await bearerTokenOf(scene.kubernetes, operatorAccount);

    expect((await scrape(scene.operator)).status).to.equal(401);
    expect((await scrape(scene.operator, 'nonsense')).status).to.equal(401);
    expect((await scrape(scene.operator, without)).status).to.equal(403);
    const { status, body } = await scrape(scene.operator, token);
    expect(status).to.equal(200);
    expect(body).to.contain('georeplication_objects{phase="Ready"} 0');
    const logged = JSON.stringify([scene.operator.log, scene.operator.otherOutput]);
    for (const secret of [token, without]) expect(logged).not.to.contain(secret);
  });
});
