import { expect } from 'chai';
import { summaryOf } from '../../demo/azure.ts';

describe('the summary of writes to Azure', () => {
  const put = (replica: string, location = replica) => ({ method: 'PUT', replica, body: { location } });

  it('counts them by method', () => {
    expect(summaryOf([put('japaneast'), put('westeurope')], 'eastus')).to.equal(
      'Azure saw 2 PUTs, none for eastus (home).',
    );
    expect(summaryOf([put('japaneast'), { method: 'DELETE', replica: 'japaneast' }], 'eastus')).to.equal(
      'Azure saw 1 PUT and 1 DELETE, none for eastus (home).',
    );
    expect(summaryOf([], 'eastus')).to.equal('Azure saw no writes, none for eastus (home).');
  });

  it('counts writes to the home region, whatever the replica name', () => {
    expect(summaryOf([put('EastUS'), put('other', 'East US'), put('japaneast')], 'eastus')).to.equal(
      'Azure saw 3 PUTs, 2 for eastus (home).',
    );
  });
});
