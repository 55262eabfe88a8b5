// What the kubectl plugin reads from ARM, over real sockets to the emulator.
import { expect } from 'chai';
import { ArmError } from '../../src/azure/arm.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { defaultCredential } from '../../src/azure/identity/credential.ts';
import { createInventory, type Inventory } from '../../src/azure/inventory.ts';
import {
  type ArmEmulator,
  startArmEmulator,
  defaultSubscriptionId as subscriptionId,
} from '../emulators/arm/emulator.ts';
import { held } from '../emulators/arm/timings.ts';
import { trust } from '../trust.ts';

const registry = { subscriptionId, resourceGroup: 'myresourcegroup', name: 'myACR0007' };
const other = { subscriptionId, resourceGroup: 'other', name: 'otherACR0001' };

describe("the plugin's reads of ARM", () => {
  let emulator: ArmEmulator;
  let distrust: () => void;
  let inventory: Inventory;
  const variables = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET'] as const;

  beforeEach(async () => {
    emulator = await startArmEmulator({ timings: held, pageSize: 2 });
    distrust = trust(emulator.certificate);
    for (const name of variables) process.env[name] = emulator.environment[name];
    const cloud = cloudFrom(emulator.environment);
    inventory = createInventory({ credential: defaultCredential(cloud), cloud });
    emulator.azure.addRegistry(registry, { location: 'eastus' });
  });
  afterEach(async () => {
    inventory.close();
    for (const name of variables) delete process.env[name];
    distrust();
    await emulator.close();
  });

  it('lists every registry of a subscription, page by page', async () => {
    const names = [1, 2, 3, 4].map((n) => ({ ...other, name: `otherACR000${n}` }));
    for (const one of names) emulator.azure.addRegistry(one, { sku: 'Basic' });
    const found = await inventory.registries(subscriptionId);
    expect(found.map(({ id }) => id.split('/').at(-1))).to.deep.equal([registry, ...names].map(({ name }) => name));
    expect(found.map(({ sku }) => sku)).to.deep.equal(['Premium', ...names.map(() => 'Basic')]);
  });

  it('lists those of one resource group', async () => {
    emulator.azure.addRegistry(other);
    const found = await inventory.registries(subscriptionId, 'OTHER');
    expect(found.map(({ id }) => id.split('/').at(-1))).to.deep.equal(['otherACR0001']);
  });

  it('tells a resource group that does not exist, and a missing right, as the operator does', async () => {
    const missing = await inventory.registries(subscriptionId, 'nowhere').catch((error: unknown) => error);
    expect(missing).to.be.instanceOf(ArmError).and.include({ kind: 'NotFound' });
    emulator.azure.faults.add({ kind: 'forbidden', actions: ['Microsoft.ContainerRegistry/registries/read'] });
    const denied = await inventory.registries(subscriptionId).catch((error: unknown) => error);
    expect(denied).to.be.instanceOf(ArmError).and.include({ kind: 'Denied', reason: 'AuthorizationFailed' });
  });

  it('shows zone redundancy of the registry and of each replica', async () => {
    emulator.azure.addReplica(registry, 'japaneast', { zoneRedundancy: 'Enabled' });
    emulator.azure.addReplica(registry, 'westeurope');
    expect(await inventory.registry(registry)).to.include({ isZoneRedundant: false, location: 'eastus' });
    const replicas = await inventory.replicas(registry);
    const redundant = replicas.filter(({ isZoneRedundant }) => isZoneRedundant).map(({ name }) => name);
    expect(replicas).to.have.length(3);
    expect(redundant).to.deep.equal(['japaneast']);
  });

  it('reads the regional endpoints, which are off unless the registry has them', async () => {
    emulator.azure.addReplica(registry, 'japaneast', { name: 'odd' });
    expect(await inventory.regionalEndpoints(registry)).to.deep.equal({
      loginServer: 'myacr0007.azurecr.io',
      hostNames: [],
    });
    emulator.azure.changeRegistry(registry, { regionalEndpoints: true });
    expect((await inventory.regionalEndpoints(registry)).hostNames).to.have.members([
      'myacr0007.eastus.geo.azurecr.io',
      'myacr0007.japaneast.geo.azurecr.io',
    ]);
  });
});
