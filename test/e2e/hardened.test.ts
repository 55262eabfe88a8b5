// The operator as the chart runs it for teams that do not trust each other (deploy/hardened does the same): without a credential of its own, for namespaces that list their registries.
import { expect } from 'chai';
import { allowedRegistries } from '../../src/api/registryreplication.ts';
import { registryId } from '../../src/replication/validation.ts';
import { renderChart } from '../chart.ts';
import { instant } from '../emulators/arm/timings.ts';
import { podOf } from '../pod.ts';
import { scrape } from '../scrape.ts';
import { isNotReadyBecause, readyMessage } from './expectations.ts';
import { manifest, referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a hardened operator', () => {
  let scenario: Scenario;

  before(async () => {
    const values = { azure: { identity: 'None' }, defaultRegistries: 'deny', crds: { install: false } };
    const manifests = await renderChart(values);
    scenario = await startScenario({
      timings: instant,
      identity: 'service-account',
      ...(await podOf(manifests)),
      deployment: { manifests },
    });
    const pattern = registryId({ ...referenceTo('*') });
    await scenario.kubectl(['annotate', 'namespace', 'default', `${allowedRegistries}=${pattern}`]);
    await scenario.kubectl('create namespace unlisted');
  });
  after(() => scenario?.close());

  const requestsAbout = (registry: string) =>
    scenario.arm.journal.entries.filter((request) => request.registry === registry).length;

  it('serves an object with an identity, in a namespace that lists its registry', async () => {
    scenario.addRegistry('served');
    await scenario.apply('served', { regions: ['japaneast'] });
    await scenario.untilReady('served');
    expect(scenario.writesTo('served')).to.deep.equal(['PUT japaneast']);
  });

  it('misses no credential of its own', () => {
    expect(scenario.operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).to.deep.equal([]);
  });

  it('refuses an object without an identity, and sends no request to Azure', async () => {
    scenario.addRegistry('borrower');
    await scenario.kubectl('apply -f -', {
      input: manifest('borrower', { regions: ['japaneast'] }, { specFields: {} }),
    });
    const object = await scenario.until('borrower', 'is refused', isNotReadyBecause('DefaultIdentityDenied'));
    expect(readyMessage(object)).to.contain('Set spec.identity.serviceAccountName');
    expect(requestsAbout('borrower')).to.equal(0);
  });

  it('refuses an object whose namespace lists no registries, and sends no request to Azure', async () => {
    scenario.addRegistry('unlisted');
    await scenario.apply('unlisted', { regions: ['japaneast'] }, 'unlisted');
    await scenario.until('unlisted', 'is refused', isNotReadyBecause('RegistryNotAllowed'));
    expect(requestsAbout('unlisted')).to.equal(0);
  });

  it('serves its metrics to authorized clients only', async () => {
    expect((await scrape(scenario.operator)).status).to.equal(401);
  });
});
