// `kubectl georep import` as a process: what it prints is applied to the API server, and the operator has nothing to do.
import { expect } from 'chai';
import { loadAll } from 'js-yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import type { KubectlOutcome } from '../emulators/kubectl.ts';
import { installPlugin, type Plugin } from '../georep.ts';
import { expectPrinted } from '../golden/printed.ts';
import { referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const regions = [
  'australiaeast',
  'brazilsouth',
  'canadacentral',
  'canadaeast',
  'centralindia',
  'centralus',
  'eastasia',
  'eastus2',
  'francecentral',
  'germanywestcentral',
  'israelcentral',
  'italynorth',
  'japaneast',
  'japanwest',
  'koreacentral',
  'koreasouth',
  'mexicocentral',
  'northcentralus',
  'northeurope',
  'norwayeast',
  'polandcentral',
  'qatarcentral',
  'southafricanorth',
  'southcentralus',
  'southeastasia',
  'swedencentral',
  'switzerlandnorth',
  'uaenorth',
  'uksouth',
  'ukwest',
];

describeWithKubectl('kubectl georep import', () => {
  let scenario: Scenario;
  let plugin: Plugin;

  before(async () => {
    plugin = await installPlugin();
    // What is imported names no ServiceAccount.
    scenario = await startScenario({ timings: instant, identity: 'client-secret' });
    const { azure } = scenario.arm;
    azure.addReplica(scenario.addRegistry('oddNames'), 'japaneast', { name: 'tokyo1' });
    azure.addReplica(referenceTo('oddNames'), 'westeurope', { name: 'japaneast' });
    azure.addReplica(scenario.addRegistry('tagged1'), 'japaneast', { tags: { team: 'web', 'cost center': '12:30' } });
    azure.addReplica(scenario.addRegistry('unrouted'), 'japaneast', { routing: false });
    azure.addReplica(scenario.addRegistry('zoned1', { zoneRedundancy: 'Enabled' }), 'japaneast', {
      zoneRedundancy: 'Enabled',
    });
    azure.addReplica(scenario.addRegistry('withHome'), 'japaneast');
    azure.changeReplica(referenceTo('withHome'), 'eastus', { routing: false, tags: { home: 'yes' } });
    scenario.addRegistry('alone1');
    scenario.addRegistry('basic1', { sku: 'Basic' });
    scenario.addRegistry('thirty1');
    for (const region of regions) azure.addReplica(referenceTo('thirty1'), region, { tags: { in: region } });
  });
  after(async () => {
    await scenario?.close();
    await plugin?.remove();
  });

  const idOf = (name: string) =>
    `/subscriptions/${defaultSubscriptionId}/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/${name}`;

  const run = (args: string): Promise<KubectlOutcome> =>
    plugin.run(scenario.kubeconfig, `import ${args}`.trim(), { env: scenario.env });

  /** Status and plan after a pass that is requested now. */
  async function afterPass(name: string): Promise<unknown> {
    const { status } = await scenario.reconcileNow(name);
    return { plan: status?.plan ?? [], readyRegions: status?.readyRegions };
  }

  it('prints every registry of a subscription so that the operator plans nothing, whether it observes or manages', async () => {
    const { code, stdout, stderr } = await run(`--subscription ${defaultSubscriptionId}`);
    expect({ code, stderr }).to.deep.equal({
      code: 0,
      stderr: 'Skipped registry basic1 in resource group images: it is Basic; geo-replication needs Premium.\n',
    });
    const objects = loadAll(stdout).filter(Boolean) as RegistryReplication[];
    const names = objects.map(({ metadata }) => metadata.name);
    expect(names).to.deep.equal(['alone1', 'oddnames', 'tagged1', 'thirty1', 'unrouted', 'withhome', 'zoned1']);
    const observing = objects.map((object) => ({ ...object, spec: { ...object.spec, mode: 'Observe' } }));
    const list = { apiVersion: 'v1', kind: 'List', items: observing };
    await scenario.kubectl('apply -f -', { input: JSON.stringify(list) });
    const expected = objects.map(({ spec }) => ({
      plan: [],
      readyRegions: `${spec.regions?.length}/${spec.regions?.length}`,
    }));
    const observed = [];
    for (const name of names) observed.push(await afterPass(name));
    expect(observed).to.deep.equal(expected);

    await scenario.kubectl('apply -f -', { input: stdout });
    for (const name of names) await scenario.patch(name, { spec: { mode: 'Manage' } });
    for (const name of names) await scenario.untilReady(name);
    const managed = [];
    for (const name of names) managed.push(await afterPass(name));
    expect(managed).to.deep.equal(expected);
    for (const { spec } of objects) expect(scenario.writesTo(spec.registry.name)).to.deep.equal([]);
  });

  for (const [file, args] of Object.entries({
    'import.table': `--registry ${idOf('oddNames')}`,
    'import.subscription': `--subscription ${defaultSubscriptionId} --resource-group two -n registries`,
    'import.json': `--registry ${idOf('tagged1')} -o json`,
    'import.yaml': `--registry ${idOf('tagged1')} -o yaml`,
    'import.name': `--subscription ${defaultSubscriptionId} -o name`,
    'import.basic': `--registry ${idOf('basic1')}`,
    'import.missing': `--registry ${idOf('missing1')}`,
  }))
    it(`prints test/golden/georep/${file}.txt`, async () => {
      const two = { ...referenceTo('zoned2'), resourceGroup: 'two' };
      scenario.arm.azure.addRegistry(two, { zoneRedundancy: 'Enabled' });
      scenario.arm.azure.addReplica(two, 'westeurope', { routing: false });
      scenario.arm.azure.addRegistry({ ...two, name: 'basic2' }, { sku: 'Standard' });
      try {
        await expectPrinted(file, await run(args));
      } finally {
        scenario.arm.azure.removeResourceGroup(defaultSubscriptionId, 'two');
      }
    });

  it('needs no cluster', async () => {
    const env = { ...scenario.env, KUBECONFIG: '/nowhere' };
    const { code } = await plugin.run('/nowhere', `import --registry ${idOf('alone1')}`, { env });
    expect(code).to.equal(0);
  });

  it('tells a wrong use in one line', async () => {
    const lines = await Promise.all(
      ['', '--registry myacr', '--subscription mine', `--registry ${idOf('alone1')} --resource-group images`].map(
        async (args) => (await run(args)).stderr,
      ),
    );
    expect(lines).to.deep.equal([
      'error: import needs either --registry ID or --subscription ID\n',
      'error: --registry takes an id such as /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mygroup/providers/Microsoft.ContainerRegistry/registries/myacr; get it with: az acr show --name myacr --query id --output tsv\n',
      'error: --subscription takes an id such as 00000000-0000-0000-0000-000000000000; az account list shows yours\n',
      'error: --resource-group goes with --subscription; the id of --registry has its own\n',
    ]);
  });

  it('tells a missing right in Azure, and a credential that does not work', async () => {
    const undo = scenario.arm.azure.faults.add({ kind: 'forbidden', actions: ['*'] });
    const denied = await run(`--registry ${idOf('alone1')}`);
    undo();
    expect(denied.code).to.equal(1);
    expect(denied.stderr).to.match(/^error: .*your identity/);
    const env = { ...scenario.env, AZURE_CLIENT_SECRET: 'wrong' };
    const refused = await plugin.run(scenario.kubeconfig, `import --registry ${idOf('alone1')}`, { env });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/^error: no valid Azure credential: .*; to use your own account: az login\n$/s);
  });
});
