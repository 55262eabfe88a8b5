import { expect } from 'chai';
import type { Spec } from '../../../src/api/registryreplication.ts';
import { describeWeight, weightOf } from '../../../src/replication/object-weight.ts';
import { largestRegions, largestSources } from '../../largest-object.ts';
import { anObject } from './fixtures.ts';

describe('the weight of an object', () => {
  const { registry } = anObject().spec;
  const weighing = (spec: Pick<Spec, 'regions' | 'regionsFrom'>) => weightOf({ spec: { registry, ...spec } });
  const regions = (count: number, tags?: Record<string, string>) =>
    Array.from({ length: count }, (_, n) => ({ location: `region${n}`, ...(tags && { tags }) }));

  it('is 1 up to 10 regions, and grows by one with each 10 more', () => {
    expect([0, 1, 10, 11, 20, 100].map((count) => weighing({ regions: regions(count) }))).to.deep.equal([
      1, 1, 1, 2, 2, 10,
    ]);
  });

  it('takes an entry of regionsFrom for 10 regions', () => {
    expect(weighing({ regionsFrom: [{ nodes: {} }] })).to.equal(1);
    expect(weighing({ regions: regions(1), regionsFrom: [{ nodes: {} }, { nodes: {} }] })).to.equal(3);
  });

  it('grows with the length of tags and selectors', () => {
    const tags = { note: 'x'.repeat(250), more: 'y'.repeat(250) };
    expect(weighing({ regions: regions(10, tags) })).to.equal(1);
    expect(weighing({ regions: regions(10, { ...tags, most: 'z'.repeat(400) }) })).to.equal(2);
    expect(weighing({ regions: largestRegions(), regionsFrom: largestSources() })).to.be.within(120, 130);
  });

  it('is said only of an object that counts for more than one', () => {
    expect(describeWeight(anObject())).to.equal('');
    expect(describeWeight({ spec: { registry, regions: regions(11) } })).to.contain('counts as 2');
  });
});
