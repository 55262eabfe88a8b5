import { expect } from 'chai';
import { registryView } from '../../../src/map/view.ts';
import { findHarmfulText, hostileText } from '../../hostile-text.ts';
import { objectWith, row } from './fixtures.ts';

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
