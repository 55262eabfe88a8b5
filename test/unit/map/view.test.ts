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

  it('has what needs a region, since when it is unused, and the sources', () => {
    const object = objectWith({
      regions: [
        {
          ...row('uksouth', 'Ready'),
          neededBy: [
            { source: 'nodes', count: 12 },
            { source: 'MemberCluster', count: 1, names: ['prod'] },
          ],
        },
        { ...row('eastus2', 'Ready'), desired: true, unusedSince: '2026-11-22T01:02:03Z' },
        { ...row('norwayeast', 'Deleting'), desired: false, unusedSince: '2026-11-20T01:02:03Z' },
      ],
      sources: [
        { source: 'nodes', state: 'Synced', regions: 1 },
        { source: 'MemberCluster', state: 'Forbidden', message: 'it may not be listed' },
      ],
    });
    const { regions: _, ...spec } = object.spec;
    const view = registryView({ ...object, spec: { ...spec, regionsFrom: [{ nodes: {} }], keepUnused: '36h' } });
    expect(view.follows).to.equal(true);
    expect(view.listed).to.deep.equal([]);
    expect(view.sources).to.deep.equal([
      { text: 'nodes: Synced, 1 region', isReadable: true },
      { text: 'MemberCluster: Forbidden: it may not be listed', isReadable: false },
    ]);
    const [needed, kept, pruned] = view.regions;
    expect(needed).to.include({ listed: false, neededBy: 'nodes (12), MemberCluster prod' });
    expect(kept).to.include({ unusedSince: '2026-11-22T01:02:03Z', keptFor: '36h' });
    expect(pruned).to.include({ unusedSince: '2026-11-20T01:02:03Z' }).and.not.to.have.property('keptFor');
    expect(registryView(objectWith({})).follows).to.equal(false);
  });

  it('has no control characters, whatever a status says', () => {
    const view = registryView(
      objectWith({
        conditions: [
          { type: 'Ready', status: 'False', reason: hostileText, message: hostileText, lastTransitionTime: '' },
        ],
        registry: { loginServer: hostileText, homeRegion: 'eastus' },
        regions: [
          {
            ...row('westeurope', 'Ready'),
            unusedSince: hostileText,
            neededBy: [{ source: hostileText, count: 2, names: [hostileText] }],
          },
          { ...row('japaneast', 'Failed'), message: hostileText, replica: hostileText, managedTags: [hostileText] },
        ],
        sources: [
          {
            source: hostileText,
            state: 'Invalid',
            message: hostileText,
            unknown: { count: 3, examples: [hostileText] },
          },
        ],
        plan: [{ action: 'create', location: 'japaneast', message: hostileText, waitsFor: hostileText }],
      }),
    );
    expect(findHarmfulText(view)).to.deep.equal([]);
  });
});
