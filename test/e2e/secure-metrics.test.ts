// The operator as the chart runs it by default: metrics over HTTPS, only for accounts that the API server authorizes.
import { expect } from 'chai';
import { renderChart } from '../chart.ts';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { podOf } from '../pod.ts';
import { bearerTokenOf, scrape } from '../scrape.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const scraper = { namespace: operatorAccount.namespace, name: 'prometheus' };

describeWithKubectl('an operator with secure metrics', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: instant, ...(await podOf(await renderChart())) });
  });
  after(() => scenario?.close());

  it('serves accounts with the reader role, and no others', async () => {
    if (scenario.kubernetes.hasRoles) {
      await scenario.kubectl(`create serviceaccount ${scraper.name} -n ${scraper.namespace}`);
      await scenario.kubectl([
        'create',
        'clusterrolebinding',
        'scrapers',
        '--clusterrole=acr-replication-operator-metrics-reader',
        `--serviceaccount=${scraper.namespace}:${scraper.name}`,
      ]);
      await scenario.kubernetes.untilPermitted(scraper, [{ path: '/metrics' }]);
    } else await scenario.kubernetes.grant(scraper, '/metrics');
    const token = await bearerTokenOf(scenario.kubernetes, scraper);
    const without = await bearerTokenOf(scenario.kubernetes, operatorAccount);

    expect((await scrape(scenario.operator)).status).to.equal(401);
    expect((await scrape(scenario.operator, 'nonsense')).status).to.equal(401);
    expect((await scrape(scenario.operator, without)).status).to.equal(403);
    const { status, body } = await scrape(scenario.operator, token);
    expect(status).to.equal(200);
    expect(body).to.contain('georeplication_objects{phase="Ready"} 0');
    const logged = JSON.stringify([scenario.operator.log, scenario.operator.otherOutput]);
    for (const secret of [token, without]) expect(logged).not.to.contain(secret);
  });
});
