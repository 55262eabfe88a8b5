import { expect } from 'chai';
import { RegistryCache } from '../../../src/replication/registry-cache.ts';
import { anObject, aRegistry, now } from './fixtures.ts';

const { registry: reference } = anObject().spec;
const registry = aRegistry();

function later(ms: number): Date {
  return new Date(now.getTime() + ms);
}

describe('a cached registry', () => {
  it('is returned while it is younger than the maximum age', () => {
    const registries = new RegistryCache();
    registries.keep(reference, registry, now);
    expect(registries.recall(reference, 1_000, later(999))).to.equal(registry);
    expect(registries.recall(reference, 1_000, later(1_000))).to.equal(undefined);
  });

  it('is not returned if the clock was set back', () => {
    const registries = new RegistryCache();
    registries.keep(reference, registry, now);
    expect(registries.recall(reference, 1_000, later(-1))).to.equal(undefined);
  });

  it('is found regardless of the case of its names, and only under those names', () => {
    const registries = new RegistryCache();
    registries.keep(reference, registry, now);
    expect(registries.recall({ ...reference, name: reference.name.toUpperCase() }, 1_000, now)).to.equal(registry);
    for (const part of ['name', 'resourceGroup', 'subscriptionId'] as const)
      expect(registries.recall({ ...reference, [part]: 'another' }, 1_000, now), part).to.equal(undefined);
  });

  it('is removed by forget', () => {
    const registries = new RegistryCache();
    registries.keep(reference, registry, now);
    registries.forget(reference);
    expect(registries.recall(reference, 1_000, now)).to.equal(undefined);
  });
});
