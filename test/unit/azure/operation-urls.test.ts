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

  it('are at most 256: the least recently used one is dropped', () => {
    const operations = new OperationUrls('https://management.azure.com');
    for (let n = 0; n <= 256; n++) operations.started(registry, `region${n}`, url);
    expect(operations.urlOf(registry, 'region0')).to.equal(undefined);
    expect(operations.urlOf(registry, 'region1')).to.equal(url);
  });
});
