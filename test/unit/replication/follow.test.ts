import { expect } from 'chai';
import { listedRegions, type RegionStatus, type Spec, type Status } from '../../../src/api/registryreplication.ts';
import { followed, pruneHold, type Surroundings } from '../../../src/replication/follow.ts';
import type { SourceReading } from '../../../src/replication/sources.ts';
import { anObject, home, now, secondsAgo } from './fixtures.ts';

const nodes = { nodes: {} };
const members = {
  resources: { apiVersion: 'cluster.kubernetes-fleet.io/v1', kind: 'MemberCluster', location: '.spec.location' },
};
const hour = 3_600;

function synced(...values: string[]): SourceReading {
  return { state: 'Synced', values: new Map(values.map((value) => [value, { count: 1 }])) };
}

const forbidden: SourceReading = { state: 'Forbidden', message: 'nodes is forbidden' };

function row(location: string, parts: Partial<RegionStatus> = {}): RegionStatus {
  return { location, desired: true, home: false, state: 'Ready', ...parts };
}

interface Case {
  spec?: Partial<Spec>;
  regions?: string[];
  status?: Status;
  readings?: readonly SourceReading[];
}

function follow({ spec, regions = [], status = {}, readings }: Case, surroundings: Partial<Surroundings> = {}) {
  const object = anObject({ regions, spec: { regionsFrom: [nodes], ...spec }, status });
  return followed(object, {
    readings,
    home,
    isRegion: (location) => /^(eastus|japaneast|westeurope|uksouth)$/.test(location),
    hasReplica: () => false,
    now,
    ageOf: (_, since) => now.getTime() - since,
    ...surroundings,
  });
}

const locations = (object: ReturnType<typeof follow>) => listedRegions(object.spec).map(({ location }) => location);
const needOf = (object: ReturnType<typeof follow>, location: string) => object.following?.needs.get(location);

describe('following', () => {
  it('changes nothing in an object without sources', () => {
    const object = anObject();
    const surroundings = { readings: [], home, isRegion: () => true, hasReplica: () => false, now, ageOf: () => 0 };
    expect(followed(object, surroundings)).to.equal(object);
  });

  it('adds the regions that a source names to those of the spec, in any spelling, each once', () => {
    const object = follow({ regions: ['japaneast'], readings: [synced('West Europe', 'westeurope', 'Japan East')] });
    expect(locations(object)).to.deep.equal(['japaneast', 'westeurope']);
    expect(needOf(object, 'westeurope')).to.deep.equal({ neededBy: [{ source: 'nodes', count: 2 }] });
    expect(needOf(object, 'japaneast')).to.deep.equal({ neededBy: [{ source: 'nodes', count: 1 }] });
  });

  it('makes a region as the first source that names it says, and leaves an entry of the spec as it is', () => {
    const spec = {
      regionsFrom: [
        { ...nodes, routing: 'WhenReady' as const, tags: { owner: 'nodes' } },
        { ...members, routing: 'Disabled' as const },
      ],
    };
    const readings = [synced('westeurope'), synced('westeurope', 'uksouth', 'japaneast')];
    expect(follow({ spec, regions: ['japaneast'], readings }).spec.regions).to.deep.equal([
      { location: 'japaneast' },
      { location: 'uksouth', routing: 'Disabled' },
      { location: 'westeurope', routing: 'WhenReady', tags: { owner: 'nodes' } },
    ]);
  });

  it('keeps a region that no source names any more for spec.keepUnused, and then lets it go', () => {
    const status = { regions: [row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] })] };
    const first = follow({ status, readings: [synced('japaneast')] });
    expect(locations(first)).to.deep.equal(['japaneast', 'westeurope']);
    expect(needOf(first, 'westeurope')).to.deep.include({ neededBy: [], unusedSince: '2026-11-22T12:00:00Z' });

    const unusedFor = (seconds: number) =>
      follow({
        status: { regions: [row('westeurope', { unusedSince: secondsAgo(seconds) })] },
        readings: [synced('japaneast')],
      });
    expect(locations(unusedFor(24 * hour - 1))).to.include('westeurope');
    expect(locations(unusedFor(24 * hour + 2))).not.to.include('westeurope');
    expect(needOf(unusedFor(24 * hour + 2), 'westeurope')?.unusedSince).to.equal(secondsAgo(24 * hour + 2));
  });

  it('lets an unused region go at once with keepUnused 0s', () => {
    const status = { regions: [row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] })] };
    expect(locations(follow({ spec: { keepUnused: '0s' }, status, readings: [synced('japaneast')] }))).to.deep.equal([
      'japaneast',
    ]);
  });

  it('forgets that a region was unused when a source names it again', () => {
    const status = { regions: [row('westeurope', { unusedSince: secondsAgo(hour) })] };
    expect(needOf(follow({ status, readings: [synced('westeurope')] }), 'westeurope')).to.deep.equal({
      neededBy: [{ source: 'nodes', count: 1 }],
    });
  });

  it('asks for nothing in an unused region, so that nothing is written there', () => {
    const spec = { regionsFrom: [{ ...nodes, routing: 'WhenReady' as const, tags: { owner: 'nodes' } }] };
    const status = { regions: [row('westeurope', { unusedSince: secondsAgo(hour) })] };
    expect(follow({ spec, status, readings: [synced('japaneast')] }).spec.regions?.at(-1)).to.deep.equal({
      location: 'westeurope',
    });
  });

  for (const state of ['NotSynced', 'NotAllowed', 'Forbidden', 'NotInstalled', 'Invalid'] as const)
    it(`lets nothing go while a source is ${state}`, () => {
      const status = {
        regions: [
          row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] }),
          row('uksouth', { unusedSince: secondsAgo(100 * hour) }),
        ],
      };
      const object = follow({ status, readings: [{ state, message: 'why' }] });
      expect(locations(object)).to.deep.equal(['uksouth', 'westeurope']);
      expect(needOf(object, 'westeurope')?.neededBy).to.deep.equal([{ source: 'nodes', count: 2 }]);
      expect(pruneHold(object, true)).to.contain('waits until the source nodes is listed');
    });

  describe('several entries of one kind, of which one names nothing', () => {
    const regionsFrom = ['web', 'batch'].map((pool) => ({ nodes: { selector: { matchLabels: { pool } } } }));
    /** What the status says after passes with these readings, the spec of one followed by that of the next. */
    const needAfter = (...passes: { readings: SourceReading[]; regionsFrom?: Spec['regionsFrom'] }[]) => {
      let need: ReturnType<typeof needOf>;
      for (const { readings, regionsFrom: entries = regionsFrom } of passes) {
        const regions = need ? [row('westeurope', { neededBy: [...need.neededBy] })] : [];
        need = needOf(follow({ spec: { regionsFrom: entries }, status: { regions }, readings }), 'westeurope');
      }
      return need;
    };
    const isUnused = (need: ReturnType<typeof needOf>) => need?.unusedSince !== undefined;

    it('let a region go that only the others named', () => {
      const before = { readings: [synced('japaneast', 'westeurope'), synced()] };
      expect(isUnused(needAfter(before, { readings: [synced('japaneast'), synced()] }))).to.equal(true);
    });

    it('keep a region that the empty one named, also when another named it meanwhile', () => {
      const both = { readings: [synced('westeurope'), synced('westeurope')] };
      const one = { readings: [synced('westeurope', 'japaneast'), synced()] };
      const none = { readings: [synced('japaneast'), synced()] };
      expect(isUnused(needAfter(both, one, none))).to.equal(false);
      expect(isUnused(needAfter({ readings: [synced(), synced('westeurope')] }, none))).to.equal(false);
    });

    it('keep a region whose entry was edited or removed since it named it', () => {
      const before = { readings: [synced('westeurope', 'japaneast'), synced('japaneast')] };
      const edited = [{ nodes: { selector: { matchLabels: { pool: 'misspelt' } } } }, ...regionsFrom.slice(1)];
      expect(isUnused(needAfter(before, { regionsFrom: edited, readings: [synced(), synced('japaneast')] }))).to.equal(
        false,
      );
    });

    it('keep a region of which an earlier version of the status does not say which entry named it', () => {
      const status = { regions: [row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] })] };
      const pass = (...values: string[]) =>
        follow({ spec: { regionsFrom }, status, readings: [synced(...values), synced()] });
      expect(needOf(pass('westeurope'), 'westeurope')?.neededBy).to.deep.equal([{ source: 'nodes', count: 1 }]);
      expect(isUnused(needOf(pass('japaneast'), 'westeurope'))).to.equal(false);
    });

    it('let it go when each is known again', () => {
      const before = { readings: [synced('westeurope'), synced()] };
      expect(isUnused(needAfter(before, { readings: [synced('japaneast'), synced('uksouth')] }))).to.equal(true);
    });
  });

  it('lets no region of an empty source go, but those of other sources (trap 37)', () => {
    const status = {
      regions: [
        row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] }),
        row('uksouth', { neededBy: [{ source: 'MemberCluster', count: 1 }] }),
      ],
    };
    const spec = { regionsFrom: [nodes, members], keepUnused: '0s' };
    const object = follow({ spec, status, readings: [synced(), synced('japaneast')] });
    expect(locations(object)).to.deep.equal(['japaneast', 'westeurope']);
    expect(pruneHold(object, true)).to.equal(undefined);
    expect(pruneHold(object, false)).to.contain('the source nodes names a region');
  });

  it('tells two sources of one kind as one, which is as good as the worse of them', () => {
    const status = { regions: [row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] })] };
    const spec = { regionsFrom: [nodes, nodes] };
    const object = follow({ spec, status, readings: [synced('japaneast'), forbidden] });
    expect(locations(object)).to.deep.equal(['japaneast', 'westeurope']);
    expect(object.following?.sources.map(({ status }) => status)).to.deep.equal([
      { source: 'nodes', state: 'Forbidden', regions: 1, message: 'nodes is forbidden' },
    ]);
  });

  it('keeps the regions of sources that were taken out of the spec', () => {
    const status = { regions: [row('westeurope', { neededBy: [{ source: 'nodes', count: 2 }] })] };
    const object = follow({ spec: { regionsFrom: [] }, regions: ['japaneast'], status, readings: [] });
    expect(locations(object)).to.deep.equal(['japaneast', 'westeurope']);
    expect(needOf(object, 'westeurope')).to.deep.include({ unusedSince: '2026-11-22T12:00:00Z', isKept: true });
  });

  it('recognises the home region, which is never unused', () => {
    const status = { regions: [row(home, { home: true, neededBy: [{ source: 'nodes', count: 2 }] })] };
    expect(locations(follow({ readings: [synced('East US')] }))).to.deep.equal([home]);
    expect(needOf(follow({ status, readings: [synced('japaneast')] }), home)).to.equal(undefined);
  });

  it('creates nothing for values that are no region; it counts them and shows some, cut and on one line', () => {
    const readings = [synced('japaneast', 'us-east-1', 'kind', `mars\u001b[31m${'x'.repeat(60)}`, '')];
    const object = follow({ readings });
    expect(locations(object)).to.deep.equal(['japaneast']);
    const [source] = object.following?.sources ?? [];
    expect(source?.status.unknown?.count).to.equal(4);
    for (const example of source?.status.unknown?.examples ?? []) {
      expect(example.length).to.be.at.most(40);
      expect(example).not.to.contain('\u001b');
    }
  });

  it('shows the last state of a source while a restarted operator lists it', () => {
    const sources = [{ source: 'nodes', state: 'Synced' as const, regions: 3 }];
    const listing = follow({ status: { sources }, readings: [{ state: 'Listing' }] });
    expect(listing.following?.sources.map(({ status }) => status)).to.deep.equal(sources);
    expect(pruneHold(listing, true)).to.contain('is listed');
    const first = follow({ readings: [{ state: 'Listing' }] });
    expect(first.following?.sources[0]?.status.state).to.equal('NotSynced');
  });

  it('counts the time of an unused region anew when its time is in the future', () => {
    const status = { regions: [row('westeurope', { unusedSince: '2026-11-25T12:00:00Z' })] };
    expect(needOf(follow({ status, readings: [synced('japaneast')] }), 'westeurope')?.unusedSince).to.equal(
      '2026-11-22T12:00:00Z',
    );
  });
});
