import { expect } from 'chai';
import { matches, summarizeByRegion } from '../../../src/map/page/overview.ts';
import { registryView } from '../../../src/map/view.ts';
import { objectWith, row } from './fixtures.ts';

describe('the sums of all registries', () => {
  const views = [
    registryView(objectWith({ regions: [row('eastus', 'Ready', true), row('japaneast', 'Syncing')] }, 'first')),
    registryView(objectWith({ regions: [row('japaneast', 'Failed'), row('westeurope', 'Ready')] }, 'second', 'team')),
    registryView(objectWith({ regions: [row('atlantis', 'Ready'), row('japaneast', 'Ready')] }, 'third', 'team')),
  ];

  it('count states and homes for each region, the largest first, regions without a known place too', () => {
    const sums = summarizeByRegion(views);
    expect(sums[0]).to.deep.equal({
      location: 'japaneast',
      total: 3,
      homes: 0,
      states: { Syncing: 1, Failed: 1, Ready: 1 },
      worst: 'Failed',
    });
    expect(sums.find(({ location }) => location === 'eastus')).to.include({ homes: 1, worst: 'Ready' });
    expect(sums.map(({ location }) => location)).to.include('atlantis');
  });

  it('can be narrowed by namespace, by the state of an object or region, and by words', () => {
    const named = (filter: { namespace?: string; state?: string; text?: string }) =>
      views.filter((view) => matches(view, { namespace: '', state: '', text: '', ...filter })).map(({ name }) => name);
    expect(named({})).to.deep.equal(['first', 'second', 'third']);
    expect(named({ namespace: 'team' })).to.deep.equal(['second', 'third']);
    expect(named({ state: 'Failed' })).to.deep.equal(['second']);
    expect(named({ state: 'Pending' })).to.deep.equal(['first', 'second', 'third']);
    expect(named({ text: ' TEAM  atlantis' })).to.deep.equal(['third']);
    expect(named({ text: 'nothing such' })).to.deep.equal([]);
  });

  it('can be narrowed to unused regions, and to what needs a region', () => {
    const needed = {
      ...row('uksouth', 'Ready'),
      neededBy: [{ source: 'MemberCluster', count: 1, names: ['prod-eu'] }],
    };
    const unused = { ...row('uksouth', 'Ready'), unusedSince: '2026-11-22T01:02:03Z' };
    const [one, other] = [[needed], [unused]].map((regions) => registryView(objectWith({ regions })));
    const found = (state: string, text: string) =>
      [one, other].map((view) => view && matches(view, { namespace: '', state, text }));
    expect(found('Unused', '')).to.deep.equal([false, true]);
    expect(found('', 'prod-eu')).to.deep.equal([true, false]);
  });
});
