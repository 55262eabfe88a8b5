// The operator as deploy/hardened runs it: without a credential of its own, for namespaces that list their registries.
import { expect } from 'chai';
import { allowedRegistries } from '../../src/api/registryreplication.ts';
import { registryId } from '../../src/replication/validation.ts';
import { instant } from '../emulators/arm/timings.ts';
import { buildKustomization, type Deployment, findOnly, literalEnv } from '../manifests.ts';
import { scrape } from '../scrape.ts';
import { isNotReadyBecause, messageOf } from './expectations.ts';
import { manifest, openScene, referenceTo, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const folder = 'deploy/hardened';

describeWithKubectl('a hardened operator', () => {
  let scene: Scene;

  before(async () => {
    const [container] = findOnly<Deployment>(await buildKustomization(folder), 'Deployment').spec.template.spec
      .containers;
    scene = await openScene({
      timings: instant,
      identity: 'service-account',
      args: [...container.args],
      env: literalEnv(container),
      deployment: { folder },
    });
    const pattern = registryId({ ...referenceTo('*') });
    await scene.kubectl(['annotate', 'namespace', 'default', `${allowedRegistries}=${pattern}`]);
    await scene.kubectl('create namespace unlisted');
  });
  after(() => scene?.close());

  const requestsAbout = (registry: string) =>
    scene.arm.journal.entries.filter((request) => request.registry === registry).length;

  it('serves an object with an identity, in a namespace that lists its registry', async () => {
    scene.addRegistry('served');
    await scene.apply('served', { regions: ['japaneast'] });
    await scene.untilReady('served');
    expect(scene.writesTo('served')).to.deep.equal(['PUT japaneast']);
  });

  it('refuses an object without an identity, and sends no request to Azure', async () => {
    scene.addRegistry('borrower');
    await scene.kubectl('apply -f -', { input: manifest('borrower', { regions: ['japaneast'] }, { specFields: {} }) });
    const object = await scene.until('borrower', 'is refused', isNotReadyBecause('DefaultIdentityDenied'));
    expect(messageOf(object)).to.contain('Set spec.identity.serviceAccountName');
    expect(requestsAbout('borrower')).to.equal(0);
  });

  it('refuses an object whose namespace lists no registries, and sends no request to Azure', async () => {
    scene.addRegistry('unlisted');
    await scene.apply('unlisted', { regions: ['japaneast'] }, 'unlisted');
    await scene.until('unlisted', 'is refused', isNotReadyBecause('RegistryNotAllowed'));
    expect(requestsAbout('unlisted')).to.equal(0);
  });

  it('serves its metrics to authorized clients only', async () => {
    expect((await scrape(scene.operator)).status).to.equal(401);
  });
});
