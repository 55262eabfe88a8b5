import { expect } from 'chai';
import { ArmError, type Replica } from '../../../src/azure/arm.ts';
import type { Observation } from '../../../src/replication/observation.ts';
import { noRegistry } from '../../../src/replication/observation.ts';
import { dueSteps, type Plan, planFor } from '../../../src/replication/plan.ts';
import {
  anObject,
  aRegistry,
  aReplica,
  aStatus,
  home,
  now,
  type ObjectParts,
  observing,
  secondsAgo,
} from './fixtures.ts';

const limits = { maxParallelActions: 4 };

function plan(parts: ObjectParts, observed: Observation): Plan {
  return planFor(anObject(parts), observed, now, limits);
}

/** The due steps in short form: `create japaneast`. */
function due(parts: ObjectParts, observed: Observation): string[] {
  const made = plan(parts, observed);
  expect(made.confirm, 'nothing is left to confirm').to.deep.equal([]);
  return dueSteps(made).map(({ action, name }) => `${action} ${name}`);
}

const homeEntry = aReplica(home);

describe('planning for absent regions', () => {
  it('requires a GET before it creates a replica that LIST does not show (trap 6)', () => {
    expect(plan({}, observing([homeEntry])).confirm).to.deep.equal(['japaneast']);
  });

  it('creates the replica of a listed region, named after its location, once a GET has returned 404', () => {
    expect(due({}, observing([homeEntry], { missing: ['japaneast'] }))).to.deep.equal(['create japaneast']);
  });

  it('creates nothing when a GET shows the replica that LIST omitted (trap 6)', () => {
    expect(due({}, observing([], { confirmed: [aReplica('japaneast')] }))).to.deep.equal([]);
  });

  it('treats "Japan East" and "japaneast" as the same region (trap 3)', () => {
    expect(due({ regions: ['Japan East'] }, observing([aReplica('japaneast')]))).to.deep.equal([]);
  });

  it("chooses another name when another region's replica is already named after the location", () => {
    const odd = aReplica('westeurope', { name: 'japaneast' });
    const answers = { missing: ['japaneast2'] };
    expect(due({ regions: ['japaneast', 'westeurope'] }, observing([homeEntry, odd], answers))).to.deep.equal([
      'create japaneast2',
    ]);
  });

  it('never creates the home replica, whether or not the spec lists it (trap 2)', () => {
    expect(due({ regions: [home] }, observing([]))).to.deep.equal([]);
  });

  for (const [routing, sent] of [
    ['Enabled', true],
    ['Disabled', false],
    ['WhenReady', false],
    [undefined, undefined],
  ] as const) {
    it(`creates a replica with routing ${sent} when the spec sets routing to ${routing}`, () => {
      const region = { location: 'japaneast', ...(routing && { routing }) };
      const [step] = plan({ regions: [region] }, observing([homeEntry], { missing: ['japaneast'] })).steps;
      expect(step).to.deep.include({
        action: 'create',
        replica: { location: 'japaneast', ...(sent !== undefined && { routing: sent }) },
      });
    });
  }

  it('reports Creating while a GET returns 404 in the first minute after a creation (trap 10)', () => {
    const status = aStatus([{ state: 'Creating', since: secondsAgo(30) }]);
    const made = plan({ status }, observing([], { missing: ['japaneast'] }));
    expect(made.steps).to.deep.equal([]);
    expect(made.regions[0]).to.include({ state: 'Creating', attempts: 0 });
  });

  it('counts a failed attempt and backs off when a GET still returns 404 a minute after a creation', () => {
    const status = aStatus([{ state: 'Creating', provisioningState: 'Creating', since: secondsAgo(61) }]);
    const made = plan({ status }, observing([], { missing: ['japaneast'] }));
    expect(dueSteps(made)).to.deep.equal([]);
    expect(made.steps[0]?.hold?.message).to.equal('attempt 2 of 5 follows');
    expect(made.regions[0]?.attempts).to.equal(1);
  });

  it('creates no more replicas in parallel than the limit, and names what the held steps wait for (trap 13)', () => {
    const regions = ['aregion', 'bregion', 'cregion', 'dregion', 'eregion'];
    const made = plan(
      { regions },
      observing([aReplica('aregion', { provisioningState: 'Creating' })], { missing: regions.slice(1) }),
    );
    expect(dueSteps(made).map(({ location }) => location)).to.deep.equal(['bregion', 'cregion', 'dregion']);
    expect(made.steps.at(-1)?.hold?.waitsFor).to.deep.equal(['aregion', 'bregion', 'cregion', 'dregion']);
  });

  it('does not create a replica in a region that the subscription lacks, and suggests the closest name', () => {
    const locations = new Set([home, 'japaneast', 'westeurope']);
    const observed = { ...observing([homeEntry], { missing: ['japaneest', 'westeurope'] }), locations };
    const made = plan({ regions: ['japaneest', 'westeurope'] }, observed);
    expect(dueSteps(made).map(({ location }) => location)).to.deep.equal(['westeurope']);
    expect(made.steps[0]?.hold).to.deep.equal({
      waitsFor: [],
      reason: 'RegionNotAvailable',
      message:
        'no such region in subscription 00000000-0000-0000-0000-000000000000; did you mean japaneast? Correct it in spec.regions',
    });
  });

  it('tells the user how to list the regions when no name is close', () => {
    const observed = { ...observing([homeEntry], { missing: ['atlantis'] }), locations: new Set([home, 'japaneast']) };
    const [step] = plan({ regions: ['atlantis'] }, observed).steps;
    expect(step?.hold?.message).to.match(
      /^no such region in subscription [-0]+\. Correct it in spec\.regions; az account list-locations --query '\[\]\.name' lists the regions$/,
    );
  });

  for (const [what, locations] of [
    ['the list of regions is unknown', undefined],
    ['the list of regions is implausible because it lacks the home region', new Set(['japaneast'])],
  ] as const)
    it(`lets Azure validate a region when ${what}`, () => {
      const observed = { ...observing([homeEntry], { missing: ['japaneest'] }), locations };
      expect(due({ regions: ['japaneest'] }, observed)).to.deep.equal(['create japaneest']);
    });

  it('does not retry a refused creation before its retryAfter', () => {
    const status = aStatus([{ state: 'Absent', reason: 'RegionNotAvailable', retryAfter: '2026-11-22T12:05:00Z' }]);
    const made = plan({ status }, observing([homeEntry]));
    expect(made.confirm).to.deep.equal([]);
    expect(made.steps.map(({ hold }) => hold?.message)).to.deep.equal(['next attempt at 12:05 UTC']);
  });

  it('retries immediately after an edit or a reconcile request', () => {
    const status = aStatus([{ state: 'Absent', reason: 'RegionNotAvailable', retryAfter: '2026-11-22T12:05:00Z' }]);
    const observed = observing([homeEntry], { missing: ['japaneast'] });
    expect(due({ status, generation: 2 }, observed)).to.deep.equal(['create japaneast']);
    const annotations = { 'georeplication.dev/reconcile-requested-at': 'now' };
    expect(due({ status, annotations }, observed)).to.deep.equal(['create japaneast']);
  });
});

describe('planning for replicas in transition', () => {
  for (const provisioningState of ['Creating', 'Updating', 'Deleting', 'Frobnicating', undefined]) {
    it(`writes nothing to a replica that is ${provisioningState} (trap 12)`, () => {
      const replica = moving('japaneast', provisioningState);
      const regions = [{ location: 'japaneast', routing: 'Disabled', tags: { team: 'web' } } as const];
      expect(due({ regions }, observing([homeEntry, replica]))).to.deep.equal([]);
      expect(due({ regions: [home] }, observing([homeEntry, replica]))).to.deep.equal([]);
      expect(due({ deleting: true }, observing([homeEntry, replica]))).to.deep.equal([]);
    });
  }

  it('treats a replica that is still Succeeded as being deleted in the first minute after a deletion (trap 10)', () => {
    const status = aStatus([{ state: 'Deleting', since: secondsAgo(20) }]);
    expect(due({ deleting: true, status }, observing([homeEntry, aReplica('japaneast')]))).to.deep.equal([]);
  });

  it('deletes an unlisted replica that exceeds the progress deadline, unless it is Deleting', () => {
    const status = aStatus([
      { readyOnce: true },
      { location: 'northeurope', desired: false, state: 'Creating', since: secondsAgo(3_700) },
      { location: 'uksouth', desired: false, state: 'Deleting', since: secondsAgo(3_700) },
    ]);
    const stuck = [moving('northeurope', 'Creating'), moving('uksouth', 'Deleting')];
    expect(due({ status }, observing([homeEntry, aReplica('japaneast'), ...stuck]))).to.deep.equal([
      'delete northeurope',
    ]);
  });

  it('writes nothing to a listed replica that exceeds the progress deadline', () => {
    const status = aStatus([{ state: 'Creating', since: secondsAgo(3_700) }]);
    const made = plan({ status }, observing([homeEntry, moving('japaneast', 'Creating')]));
    expect(made.steps).to.deep.equal([]);
    expect(made.regions[0]?.pastDeadline).to.equal(true);
  });

  function moving(location: string, provisioningState: string | undefined): Replica {
    const { provisioningState: _, ...replica } = aReplica(location);
    return provisioningState === undefined ? replica : { ...replica, provisioningState };
  }
});

describe('planning for Failed replicas', () => {
  const failed = aReplica('japaneast', { provisioningState: 'Failed', displayStatus: 'Failed' });
  const retryDue = { state: 'Failed', attempts: 1, retryAfter: secondsAgo(1) } as const;
  const own = { ...retryDue, createdHere: true } as const;

  it('backs off before it deletes a replica that has just failed', () => {
    const status = aStatus([{ state: 'Creating', createdHere: true }]);
    const made = plan({ status }, observing([homeEntry, failed]));
    expect(made.steps.map(({ action, hold }) => [action, hold?.message])).to.deep.equal([
      ['delete', 'attempt 2 of 5 follows'],
    ]);
  });

  it('replaces a replica that this object created and that was never Ready, after the backoff (trap 21)', () => {
    expect(due({ status: aStatus([own]) }, observing([homeEntry, failed]))).to.deep.equal(['delete japaneast']);
  });

  it('replaces the replica immediately after an edit', () => {
    const status = aStatus([{ ...own, attempts: 5 }]);
    expect(due({ status, generation: 2 }, observing([homeEntry, failed]))).to.deep.equal(['delete japaneast']);
  });

  it('keeps the Failed replica after five attempts and waits for a user (trap 21)', () => {
    const made = plan({ status: aStatus([{ ...own, attempts: 5 }]) }, observing([homeEntry, failed]));
    expect(dueSteps(made)).to.deep.equal([]);
    expect(made.steps[0]?.hold?.reason).to.equal('RegionFailed');
  });

  const kept: [string, ObjectParts['status'], Replica][] = [
    ['was adopted', aStatus([retryDue]), failed],
    ['is not in the status', undefined, failed],
    ['has been Ready', aStatus([{ ...own, readyOnce: true }]), failed],
    ['is routed and holds the content', aStatus([own]), { ...failed, displayStatus: 'Ready' }],
    ['is unrouted and holds the content', aStatus([own]), { ...failed, displayStatus: 'Ready', routing: false }],
    [
      'another client created in place of its own',
      aStatus([{ ...own, createdAt: secondsAgo(900) }]),
      { ...failed, createdAt: secondsAgo(300) },
    ],
    ['was Ready before its region was listed again', aStatus([{ ...own, desired: false, readyOnce: true }]), failed],
  ];
  for (const [what, status, replica] of kept) {
    const parts = { ...(status && { status }) };

    it(`plans nothing for a Failed replica that ${what} when the spec sets neither routing nor tags`, () => {
      for (const generation of [1, 2])
        expect(due({ ...parts, generation }, observing([homeEntry, replica]))).to.deep.equal([]);
    });

    it(`reapplies routing and tags to a Failed replica that ${what}, and never deletes it`, () => {
      const regions = [{ location: 'japaneast', routing: 'Enabled', tags: { team: 'web' } } as const];
      const [step] = plan({ ...parts, regions, generation: 2 }, observing([homeEntry, replica])).steps;
      expect(step).to.deep.include({ action: 'update', change: { routing: true, tags: { team: 'web' } } });
      expect(step?.hold).to.equal(undefined);
    });
  }

  it('reapplies only the tags when the spec does not set routing', () => {
    const regions = [{ location: 'japaneast', tags: { team: 'web' } }];
    const replica = { ...failed, tags: { team: 'web', owner: 'them' } };
    const [step] = plan({ regions, status: aStatus([retryDue]) }, observing([homeEntry, replica])).steps;
    expect(step).to.deep.include({ action: 'update', change: { tags: { team: 'web', owner: 'them' } } });
  });

  it('does not route clients to a Failed replica without content under WhenReady', () => {
    const regions = [{ location: 'japaneast', routing: 'WhenReady' } as const];
    const changeOf = (replica: Replica) =>
      plan({ regions, status: aStatus([retryDue]) }, observing([homeEntry, replica])).steps[0];
    expect(changeOf({ ...failed, routing: false })).to.deep.include({ change: { routing: false } });
    expect(changeOf({ ...failed, routing: false, displayStatus: 'Ready' })).to.deep.include({
      change: { routing: true },
    });
  });

  it('never writes to a Failed home replica', () => {
    const regions = [{ location: home, routing: 'Disabled' } as const];
    expect(due({ regions }, observing([aReplica(home, { provisioningState: 'Failed' })]))).to.deep.equal([]);
  });
});

describe('planning for a region whose replica was deleted', () => {
  const gone = observing([homeEntry], { missing: ['japaneast'] });
  const heldUntil = (status: ObjectParts['status'], parts: ObjectParts = {}) => {
    const [step] = plan({ ...parts, ...(status && { status }) }, gone).steps;
    expect(step?.action).to.equal('create');
    return step?.hold?.notBefore;
  };

  it('creates a new replica 30 s after the first 404, and no earlier', () => {
    expect(heldUntil(aStatus([{ state: 'Deleting' }]))).to.equal('2026-11-22T12:00:30Z');
    expect(heldUntil(aStatus([{ state: 'Absent', deletedAt: secondsAgo(29) }]))).to.equal('2026-11-22T12:00:01Z');
    expect(heldUntil(aStatus([{ state: 'Absent', deletedAt: secondsAgo(30) }]))).to.equal(undefined);
  });

  it('waits 30 s also when the region was listed again while its replica was Deleting', () => {
    expect(heldUntil(aStatus([{ state: 'Deleting', desired: false }]), { generation: 2 })).to.equal(
      '2026-11-22T12:00:30Z',
    );
  });

  it('does not shorten the wait after an edit or a reconcile request, because ARM needs it', () => {
    const status = aStatus([{ state: 'Absent', deletedAt: secondsAgo(10) }]);
    const annotations = { 'georeplication.dev/reconcile-requested-at': 'now' };
    expect(heldUntil(status, { generation: 2, annotations })).to.equal('2026-11-22T12:00:20Z');
  });

  it('waits 30 s, and not for ever, when the clock was set back', () => {
    expect(heldUntil(aStatus([{ state: 'Absent', deletedAt: secondsAgo(-18_000) }]))).to.equal('2026-11-22T12:00:30Z');
  });

  it('does not wait when the replica vanished without a deletion or never existed', () => {
    expect(heldUntil(aStatus([{ state: 'Ready', readyOnce: true }]))).to.equal(undefined);
    expect(heldUntil(undefined)).to.equal(undefined);
  });
});

describe('planning for routing and tags', () => {
  it('changes neither when the spec does not set them (trap 9)', () => {
    const replica = aReplica('japaneast', { routing: false, tags: { owner: 'them' } });
    expect(due({}, observing([homeEntry, replica]))).to.deep.equal([]);
  });

  it('requires a GET before it changes a replica that only LIST shows', () => {
    const replica = aReplica('japaneast', { routing: false });
    const status = aStatus([{}]);
    const observed = observing([homeEntry, replica], { confirmed: [homeEntry] });
    expect(plan({ regions: [{ location: 'japaneast', routing: 'Enabled' }], status }, observed).confirm).to.deep.equal([
      'japaneast',
    ]);
  });

  it('changes routing and tags in one PATCH and keeps the tags of other owners', () => {
    const replica = aReplica('japaneast', { name: 'oddname', routing: false, tags: { owner: 'them', old: '1' } });
    const regions = [{ location: 'japaneast', routing: 'Enabled', tags: { team: 'web' } } as const];
    const status = aStatus([{ managedTags: ['old'] }]);
    const [step] = plan({ regions, status }, observing([homeEntry, replica])).steps;
    expect(step).to.deep.include({
      action: 'update',
      name: 'oddname',
      change: { routing: true, tags: { owner: 'them', team: 'web' } },
    });
  });

  it('enables WhenReady routing once the replica is Ready, not while it is Syncing', () => {
    const regions = [{ location: 'japaneast', routing: 'WhenReady' } as const];
    const syncing = aReplica('japaneast', { routing: false, displayStatus: 'Syncing' });
    expect(due({ regions }, observing([homeEntry, syncing]))).to.deep.equal([]);
    expect(due({ regions }, observing([homeEntry, { ...syncing, displayStatus: 'Ready' }]))).to.deep.equal([
      'update japaneast',
    ]);
  });

  it('never disables WhenReady routing', () => {
    const regions = [{ location: 'japaneast', routing: 'WhenReady' } as const];
    expect(due({ regions }, observing([homeEntry, aReplica('japaneast', { displayStatus: 'Syncing' })]))).to.deep.equal(
      [],
    );
  });

  it("applies a listed home region's routing and tags", () => {
    const regions = [{ location: home, routing: 'Disabled', tags: { team: 'web' } } as const, 'japaneast'];
    expect(due({ regions }, observing([homeEntry, aReplica('japaneast')]))).to.deep.equal([`update ${home}`]);
  });

  it('never changes a home region that the spec does not list', () => {
    expect(
      due({}, observing([aReplica(home, { routing: false, tags: { a: 'b' } }), aReplica('japaneast')])),
    ).to.deep.equal([]);
  });
});

describe('protecting the last routed replica', () => {
  const disable = { regions: [{ location: 'japaneast', routing: 'Disabled' } as const] };

  it('unroutes a replica while a GET shows another one routed and Ready', () => {
    expect(due(disable, observing([homeEntry, aReplica('japaneast')]))).to.deep.equal(['update japaneast']);
  });

  it('requires that GET when only LIST shows the other replica', () => {
    const replicas = [homeEntry, aReplica('japaneast')];
    expect(plan(disable, observing(replicas, { confirmed: [aReplica('japaneast')] })).confirm).to.deep.equal([home]);
  });

  it('counts the home region as routed when a GET shows that it has no replica entry yet', () => {
    expect(plan(disable, observing([aReplica('japaneast')])).confirm).to.deep.equal([home]);
    expect(due(disable, observing([aReplica('japaneast')], { missing: [home] }))).to.deep.equal(['update japaneast']);
  });

  it('refuses to unroute the last routed replica, and tells the user what to do', () => {
    const made = plan(disable, observing([aReplica(home, { routing: false }), aReplica('japaneast')]));
    expect(dueSteps(made)).to.deep.equal([]);
    expect(made.steps[0]?.hold?.reason).to.equal('LastRoutedRegion');
    expect(made.steps[0]?.hold?.message).to.contain('Set routing: Enabled for this region or another');
  });

  it('keeps one replica routed when the spec disables routing everywhere', () => {
    const regions = [home, 'japaneast', 'westeurope'].map((location) => ({ location, routing: 'Disabled' }) as const);
    const observed = observing([homeEntry, aReplica('japaneast'), aReplica('westeurope')]);
    expect(due({ regions }, observed)).to.deep.equal([`update ${home}`, 'update japaneast']);
  });

  it('enables routing first and disables it in a later pass', () => {
    const regions = [
      { location: 'japaneast', routing: 'Enabled' } as const,
      { location: home, routing: 'Disabled' } as const,
    ];
    const before = observing([homeEntry, aReplica('japaneast', { routing: false })]);
    expect(due({ regions }, before)).to.deep.equal(['update japaneast']);
    expect(plan({ regions }, before).steps[1]?.hold?.waitsFor).to.deep.equal(['japaneast']);
    expect(due({ regions }, observing([homeEntry, aReplica('japaneast')]))).to.deep.equal([`update ${home}`]);
  });

  it('waits for a replica that is becoming ready instead of refusing', () => {
    const regions = [{ location: home, routing: 'Disabled' } as const, 'japaneast'];
    const observed = observing([homeEntry, aReplica('japaneast', { displayStatus: 'Syncing' })]);
    const [step] = plan({ regions }, observed).steps;
    expect(step?.hold?.waitsFor).to.deep.equal(['japaneast']);
    expect(step?.hold?.reason).to.equal(undefined);
  });

  it('does not prune the last routed replica', () => {
    const observed = observing([aReplica(home, { routing: false }), aReplica('japaneast')]);
    const made = plan({ regions: [home] }, observed);
    expect(dueSteps(made)).to.deep.equal([]);
    expect(made.steps[0]?.hold?.reason).to.equal('LastRoutedRegion');
  });
});

describe('planning for regions that the spec does not list', () => {
  const old = aReplica('northeurope');
  const ready = aStatus([{ readyOnce: true }]);

  it('prunes their replicas once every listed region has been ready since it was listed', () => {
    expect(due({ status: ready }, observing([homeEntry, aReplica('japaneast'), old]))).to.deep.equal([
      'delete northeurope',
    ]);
  });

  it('keeps their replicas while a listed region has not been ready yet: make before break (trap 15)', () => {
    const syncing = aReplica('japaneast', { displayStatus: 'Syncing' });
    const made = plan({}, observing([homeEntry, syncing, old]));
    expect(dueSteps(made)).to.deep.equal([]);
    expect(made.steps[0]).to.deep.include({ action: 'delete', location: 'northeurope' });
    expect(made.steps[0]?.hold?.waitsFor).to.deep.equal(['japaneast']);
  });

  it('prunes their replicas when a listed region has been ready but is not ready now', () => {
    const syncing = aReplica('japaneast', { displayStatus: 'Syncing' });
    expect(due({ status: ready }, observing([homeEntry, syncing, old]))).to.deep.equal(['delete northeurope']);
  });

  it('forgets that a region was ready when it was delisted in between', () => {
    const syncing = aReplica('japaneast', { displayStatus: 'Syncing' });
    const delisted = aStatus([{ desired: false, readyOnce: true, state: 'Syncing' }]);
    expect(due({ status: delisted }, observing([homeEntry, syncing, old]))).to.deep.equal([]);
  });

  it('prunes a Failed replica immediately only if this object created it', () => {
    const failed = aReplica('northeurope', { provisioningState: 'Failed' });
    const syncing = aReplica('japaneast', { displayStatus: 'Syncing' });
    const observed = observing([homeEntry, syncing, failed]);
    const row = { location: 'northeurope', desired: false, state: 'Failed' } as const;
    expect(due({ status: aStatus([{ ...row, createdHere: true }]) }, observed)).to.deep.equal(['delete northeurope']);
    expect(due({ status: aStatus([row]) }, observed)).to.deep.equal([]);
    expect(due({}, observed)).to.deep.equal([]);
  });

  describe('keeps their replicas while a listed region has no replica that was Ready (make before break), when', () => {
    const outlived = aStatus([{ readyOnce: true, createdAt: secondsAgo(900) }]);
    const cases: [string, ObjectParts['status'], Observation][] = [
      ['its replica has vanished', outlived, observing([homeEntry, old], { missing: ['japaneast'] })],
      [
        'its replica is Deleting',
        outlived,
        observing([homeEntry, aReplica('japaneast', { provisioningState: 'Deleting' }), old]),
      ],
      [
        'another client is recreating its replica',
        outlived,
        observing([homeEntry, aReplica('japaneast', { provisioningState: 'Creating' }), old]),
      ],
      [
        'another client has recreated its replica, which is Syncing',
        outlived,
        observing([homeEntry, aReplica('japaneast', { displayStatus: 'Syncing', createdAt: secondsAgo(300) }), old]),
      ],
      [
        'a restored status says readyOnce for a replica that was Absent',
        aStatus([{ state: 'Absent', readyOnce: true }]),
        observing([homeEntry, aReplica('japaneast', { displayStatus: 'Syncing' }), old]),
      ],
      [
        'its GET fails',
        outlived,
        {
          ...observing([homeEntry, old]),
          failedGets: new Map([['japaneast', new ArmError('Transient', 'AzureUnreachable', 'no answer')]]),
        },
      ],
    ];
    for (const [what, status, observed] of cases)
      it(what, () => {
        const made = plan({ ...(status && { status }) }, observed);
        const deletion = made.steps.find(({ action }) => action === 'delete');
        expect(deletion?.location).to.equal('northeurope');
        expect(deletion?.hold?.waitsFor).to.deep.equal(['japaneast']);
      });
  });

  it('requires a GET of every listed region before it prunes', () => {
    const replicas = [homeEntry, aReplica('japaneast'), aReplica('westeurope'), old];
    const status = aStatus([{ readyOnce: true }, { location: 'westeurope', readyOnce: true }]);
    const made = plan(
      { regions: ['japaneast', 'westeurope'], status },
      observing(replicas, { confirmed: [homeEntry, old] }),
    );
    expect(made.confirm).to.have.members(['japaneast', 'westeurope']);
  });

  it('deletes a replica by its ARM name, which can differ from the location (trap 4)', () => {
    const odd = aReplica('northeurope', { name: 'replication001' });
    expect(due({ status: ready }, observing([homeEntry, aReplica('japaneast'), odd]))).to.deep.equal([
      'delete replication001',
    ]);
  });

  it('keeps their replicas under prune: Retain', () => {
    expect(
      plan({ spec: { prune: 'Retain' }, status: ready }, observing([homeEntry, aReplica('japaneast'), old])).steps,
    ).to.deep.equal([]);
  });

  it('never deletes the home replica, even when the spec does not list it (trap 1)', () => {
    const odd = aReplica('East US', { name: 'replication001' });
    expect(due({ status: ready }, observing([odd, aReplica('japaneast')]))).to.deep.equal([]);
  });
});

describe('planning for an object that is being deleted', () => {
  const waiting = aStatus([{}, { location: 'northeurope', desired: false }]);

  it('deletes the listed replicas, including adopted ones, and those awaiting pruning, but not the home replica', () => {
    const observed = observing([homeEntry, aReplica('japaneast', { name: 'theirs' }), aReplica('northeurope')]);
    expect(due({ deleting: true, status: waiting }, observed)).to.deep.equal(['delete theirs', 'delete northeurope']);
  });

  it('keeps replicas that neither the spec nor the status lists', () => {
    const observed = observing([homeEntry, aReplica('japaneast'), aReplica('northeurope')]);
    expect(due({ deleting: true }, observed)).to.deep.equal(['delete japaneast']);
  });

  it('keeps unlisted replicas under prune: Retain', () => {
    const observed = observing([homeEntry, aReplica('japaneast'), aReplica('northeurope')]);
    expect(due({ deleting: true, spec: { prune: 'Retain' }, status: waiting }, observed)).to.deep.equal([
      'delete japaneast',
    ]);
  });

  it("enables the home region's routing first, and deletes only when a GET shows it enabled", () => {
    const unrouted = [aReplica(home, { routing: false }), aReplica('japaneast')];
    expect(due({ deleting: true }, observing(unrouted))).to.deep.equal([`update ${home}`]);
    expect(due({ deleting: true }, observing([homeEntry, aReplica('japaneast')]))).to.deep.equal(['delete japaneast']);
  });

  it('releases the object only when a GET has returned 404 for every listed region', () => {
    expect(plan({ deleting: true }, observing([homeEntry])).isCleanedUp).to.equal(false);
    expect(plan({ deleting: true }, observing([homeEntry])).confirm).to.deep.equal(['japaneast']);
    expect(plan({ deleting: true }, observing([homeEntry], { missing: ['japaneast'] })).isCleanedUp).to.equal(true);
  });

  it('keeps the object while a replica created in the last minute may still appear', () => {
    const status = aStatus([{ state: 'Creating', since: secondsAgo(10) }]);
    expect(plan({ deleting: true, status }, observing([], { missing: ['japaneast'] })).isCleanedUp).to.equal(false);
  });

  it('releases the object although Azure rejects the GET of a replica that was never created', () => {
    const invalid = new ArmError('Invalid', 'InvalidRequest', 'ab is no name');
    const observed = { ...observing([homeEntry]), failedGets: new Map([['ab', invalid]]) };
    const released = (status: ObjectParts['status']) =>
      plan({ deleting: true, regions: ['ab'], ...(status && { status }) }, observed).isCleanedUp;
    expect(released(undefined)).to.equal(true);
    expect(released(aStatus([{ location: 'ab', state: 'Absent', reason: 'InvalidRequest' }]))).to.equal(true);
    expect(released(aStatus([{ location: 'ab', state: 'Absent', createdAt: secondsAgo(10) }]))).to.equal(false);
    expect(released(aStatus([{ location: 'ab', state: 'Creating' }]))).to.equal(false);
    const denied = new Map([['ab', new ArmError('Denied', 'AuthorizationFailed', 'no right')]]);
    expect(plan({ deleting: true, regions: ['ab'] }, { ...observed, failedGets: denied }).isCleanedUp).to.equal(false);
  });

  it('releases the object when the registry no longer exists', () => {
    expect(plan({ deleting: true }, noRegistry).isCleanedUp).to.equal(true);
  });

  for (const registry of [aRegistry({ sku: 'Basic' }), aRegistry({ provisioningState: 'Updating' })]) {
    it(`deletes replicas even from a registry that is ${registry.sku} and ${registry.provisioningState}`, () => {
      expect(due({ deleting: true }, observing([homeEntry, aReplica('japaneast')], { registry }))).to.deep.equal([
        'delete japaneast',
      ]);
    });
  }
});

describe('planning for a registry that cannot be replicated', () => {
  const cases = [
    {
      observed: noRegistry,
      reason: 'RegistryNotFound',
      says: 'registry myACR0007 does not exist in resource group myresourcegroup of subscription 00000000-0000-0000-0000-000000000000. Correct spec.registry in a new object, or create the registry with: az acr create --name myACR0007 --resource-group myresourcegroup --sku Premium --subscription 00000000-0000-0000-0000-000000000000',
    },
    {
      observed: observing([], { registry: aRegistry({ sku: 'Basic' }) }),
      reason: 'RegistryNotPremium',
      says: 'registry myACR0007 is Basic; geo-replication needs Premium: az acr update --name myACR0007 --sku Premium --subscription 00000000-0000-0000-0000-000000000000',
    },
    {
      observed: observing([], { registry: aRegistry({ provisioningState: 'Updating' }) }),
      reason: 'RegistryNotReady',
      says: 'registry myACR0007 is Updating; its replicas stay as they are until it is Succeeded. If it lasts, look at it with: az acr show --name myACR0007 --resource-group myresourcegroup --subscription 00000000-0000-0000-0000-000000000000',
    },
  ];
  for (const { observed, reason, says } of cases) {
    it(`writes nothing and explains ${reason} with the registry and the remedy (trap 23)`, () => {
      const made = plan({}, observed);
      expect(made.steps).to.deep.equal([]);
      expect(made.obstacle?.reason).to.equal(reason);
      expect(made.obstacle?.message).to.equal(says);
    });
  }

  it('ignores the stored state when the registry was recreated under the same name (trap 5)', () => {
    const status = aStatus([{ readyOnce: true }], { registry: { creationDate: '2025-01-01T00:00:00.000Z' } });
    const syncing = aReplica('japaneast', { displayStatus: 'Syncing' });
    expect(due({ status }, observing([homeEntry, syncing, aReplica('northeurope')]))).to.deep.equal([]);
  });
});

describe('confirming by GET what LIST shows', () => {
  it('requires a GET before a region becomes Ready or Failed (trap 6)', () => {
    const replicas = [aReplica('japaneast'), aReplica('westeurope', { provisioningState: 'Failed' })];
    const status = aStatus([{ state: 'Syncing' }, { location: 'westeurope', state: 'Creating' }]);
    const made = plan({ regions: ['japaneast', 'westeurope'], status }, observing(replicas, { confirmed: [] }));
    expect(made.confirm).to.have.members(['japaneast', 'westeurope']);
  });

  it('requires a GET before a region stops being Ready', () => {
    const made = plan(
      { status: aStatus([{}]) },
      observing([aReplica('japaneast', { displayStatus: 'Syncing' })], { confirmed: [] }),
    );
    expect(made.confirm).to.deep.equal(['japaneast']);
  });

  it('requires no GET while nothing has changed', () => {
    const status = aStatus([{ readyOnce: true }, { location: home, home: true, desired: false }]);
    expect(plan({ status }, observing([homeEntry, aReplica('japaneast')], { confirmed: [] })).confirm).to.deep.equal(
      [],
    );
  });

  it('requires a GET before it sets readyOnce for a newly listed region, even if its last state was Ready', () => {
    const status = aStatus([{ desired: false, readyOnce: true }]);
    expect(plan({ status }, observing([aReplica('japaneast')], { confirmed: [] })).confirm).to.deep.equal([
      'japaneast',
    ]);
  });

  it('requires a GET also while the registry is Updating, and writes nothing', () => {
    const registry = aRegistry({ provisioningState: 'Updating' });
    const made = plan({}, observing([aReplica('japaneast')], { confirmed: [], registry }));
    expect(made.confirm).to.deep.equal(['japaneast']);
    expect(made.steps).to.deep.equal([]);
  });

  it('requires a GET of an absent region only if it is about to create its replica', () => {
    const regions = Array.from({ length: 100 }, (_, n) => `region${n}`);
    expect(plan({ regions }, observing([homeEntry])).confirm).to.deep.equal([
      'region0',
      'region1',
      'region2',
      'region3',
    ]);
  });

  it('does not fall back to LIST when the GET failed: no region becomes ready and none is pruned', () => {
    const failedGets = new Map([['japaneast', new ArmError('Transient', 'AzureUnreachable', 'no answer')]]);
    const observed = {
      ...observing([homeEntry, aReplica('japaneast'), aReplica('northeurope')], { confirmed: [homeEntry] }),
      failedGets,
    };
    const made = plan({}, observed);
    expect(made.regions[0]).to.deep.include({ state: 'Updating', readyOnce: false });
    expect(dueSteps(made)).to.deep.equal([]);
  });

  it('waits instead of refusing to unroute the last replica while the GET of another one fails', () => {
    const failedGets = new Map([[home, new ArmError('Transient', 'AzureUnreachable', 'no answer')]]);
    const observed = { ...observing([aReplica('japaneast')]), failedGets };
    const [step] = plan({ regions: [{ location: 'japaneast', routing: 'Disabled' }] }, observed).steps;
    expect(step?.hold).to.deep.include({ waitsFor: [home] });
    expect(step?.hold?.reason).to.equal(undefined);
  });
});

describe('the names of new replicas', () => {
  it('are unique across regions', () => {
    const elsewhere = aReplica('westeurope', { name: 'brazilsouth' });
    const regions = ['westeurope', 'brazilsouth', 'brazilsouth2'];
    const missing = ['brazilsouth2', 'brazilsouth3'];
    const observed = observing([homeEntry, elsewhere], { missing });
    expect(due({ regions }, observed)).to.deep.equal(['create brazilsouth3', 'create brazilsouth2']);
  });
});
