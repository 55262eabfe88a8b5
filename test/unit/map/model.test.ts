import { expect } from 'chai';
import type { RegionState, RegistryReplication, Status } from '../../../src/api/registryreplication.ts';
import { matches, registryView, summarizeByRegion } from '../../../src/map/model.ts';
import { findHarmfulText, hostileText } from '../../hostile-text.ts';

function objectWith(status: Status | undefined, name = 'myacr0007', namespace = 'registries'): RegistryReplication {
  return {
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { name, namespace, uid: 'one', generation: 3 },
    spec: {
      registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'myACR0007' },
      regions: [{ location: 'Japan East' }, { location: 'westeurope', routing: 'WhenReady' }],
    },
    ...(status && { status }),
  };
}

const row = (location: string, state: RegionState, home = false) => ({ location, state, home, desired: !home });

describe('the view of an object', () => {
  it('has the listed regions as Absent before any pass has seen them', () => {
    const { regions, phase } = registryView(objectWith(undefined));
    expect(phase).to.equal('Pending');
    expect(regions).to.deep.equal([
      { location: 'japaneast', state: 'Absent', home: false, listed: true },
      { location: 'westeurope', state: 'Absent', home: false, listed: true },
    ]);
  });

  it('has home and replicas with state, time, routing, message and what is planned there', () => {
    const view = registryView(
      objectWith({
        phase: 'Pruning',
        registry: { homeRegion: 'East US', loginServer: 'myacr0007.azurecr.io' },
        regions: [
          { ...row('eastus', 'Ready', true), since: '2026-11-22T01:02:03Z', routing: 'Enabled' },
          { ...row('northeurope', 'Ready'), replica: 'Odd-Name', message: 'pruning' },
        ],
        plan: [{ action: 'delete', location: 'northeurope', waitsFor: 'westeurope', message: 'delete northeurope' }],
      }),
    );
    expect(view).to.include({ homeRegion: 'eastus', loginServer: 'myacr0007.azurecr.io', phase: 'Pruning' });
    expect(view.regions[0]).to.deep.equal({
      location: 'eastus',
      state: 'Ready',
      home: true,
      listed: false,
      since: '2026-11-22T01:02:03Z',
      routing: 'Enabled',
    });
    expect(view.regions[1]).to.deep.include({
      replica: 'Odd-Name',
      listed: false,
      message: 'pruning',
      plan: [{ action: 'delete', waitsFor: 'westeurope', message: 'delete northeurope' }],
    });
    expect(view.regions.map(({ location }) => location)).to.include.members(['japaneast', 'westeurope']);
  });

  it('has no control characters, whatever a status says', () => {
    const view = registryView(
      objectWith({
        conditions: [
          { type: 'Ready', status: 'False', reason: hostileText, message: hostileText, lastTransitionTime: '' },
        ],
        registry: { loginServer: hostileText, homeRegion: 'eastus' },
        regions: [
          { ...row('japaneast', 'Failed'), message: hostileText, replica: hostileText, managedTags: [hostileText] },
        ],
        plan: [{ action: 'create', location: 'japaneast', message: hostileText, waitsFor: hostileText }],
      }),
    );
    expect(findHarmfulText(view)).to.deep.equal([]);
  });
});

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
});
