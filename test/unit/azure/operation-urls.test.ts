import { expect } from 'chai';
import { OperationUrls } from '../../../src/azure/operation-urls.ts';

const registry = { subscriptionId: 's', resourceGroup: 'g', name: 'myACR0007' };
const url = 'https://management.azure.com/operationStatuses/1?sig=x';

describe('the operation URLs of accepted writes', () => {
  it('are found by registry and replica, ignoring case', () => {
    const operations = new OperationUrls('https://management.azure.com');
    operations.started(registry, 'japaneast', url);
    expect(operations.urlOf({ ...registry, resourceGroup: 'G' }, 'JapanEast')).to.equal(url);
    expect(operations.urlOf(registry, 'westeurope')).to.equal(undefined);
    operations.forget(registry, 'japaneast');
    expect(operations.urlOf(registry, 'japaneast')).to.equal(undefined);
  });

  it('are replaced by the next write, also by a synchronous one', () => {
    const operations = new OperationUrls('https://management.azure.com');
    operations.started(registry, 'japaneast', url);
    operations.started(registry, 'japaneast', undefined);
    expect(operations.urlOf(registry, 'japaneast')).to.equal(undefined);
  });

  for (const foreign of [
    'https://evil.example/operationStatuses/1',
    'https://management.azure.com:8443/operationStatuses/1',
    'http://management.azure.com/operationStatuses/1',
    'https://management.azure.com@evil.example/',
    '/operationStatuses/1',
    `${url}${'x'.repeat(20_000)}`,
  ])
    it(`are not kept for another origin: ${foreign.slice(0, 60)}`, () => {
      const operations = new OperationUrls('https://management.azure.com');
      operations.started(registry, 'japaneast', foreign);
      expect(operations.urlOf(registry, 'japaneast')).to.equal(undefined);
    });

  for (const [title, length, most] of [
    ['usual', 4_500, 1_000],
    ['the longest', 16_384, 256],
  ] as const)
    it(`take at most 4 MiB in all, where they are ${title}: the least recently used ones are dropped`, () => {
      const operations = new OperationUrls('https://management.azure.com');
      const long = url.padEnd(length, 'x');
      for (let n = 0; n < 2 * most; n++) operations.started(registry, `region${n}`, long);
      const kept = Array.from({ length: 2 * most }, (_, n) => operations.urlOf(registry, `region${n}`) !== undefined);
      const count = kept.filter(Boolean).length;
      expect(count * length).to.be.within(3.9 * 1024 * 1024, 4 * 1024 * 1024);
      expect(kept.slice(-count).every(Boolean), 'the latest ones').to.equal(true);
    });
});
