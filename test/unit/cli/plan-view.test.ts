import { expect } from 'chai';
import type { Status } from '../../../src/api/registryreplication.ts';
import { hasWork, planLines, planSummary, planView } from '../../../src/cli/plan-view.ts';
import { anObject, now, type ObjectParts } from '../replication/fixtures.ts';

function linesOf(status: Status, parts: ObjectParts = {}): string[] {
  return planLines(planView(anObject({ ...parts, status }))).map(({ text }) => text);
}

const steps: Status['plan'] = [
  { action: 'create', location: 'uksouth', message: 'create the replica' },
  { action: 'update', location: 'japaneast', message: 'turn routing on' },
  { action: 'delete', location: 'northeurope', message: 'delete the replica' },
];

describe('the view of a plan', () => {
  it('is a diff: + for a creation, ~ for a change, - for a deletion', () => {
    expect(linesOf({ observedGeneration: 1, plan: steps })).to.deep.equal([
      'registries/myacr0007 (registry myACR0007)',
      '  + uksouth       create the replica',
      '  ~ japaneast     turn routing on',
      '  - northeurope   delete the replica',
    ]);
    expect(planSummary([planView(anObject({ status: { plan: steps } }))])).to.equal(
      'Plan: 1 to create, 1 to change, 1 to delete.',
    );
  });

  it('says that there is nothing to do only for the spec as it is', () => {
    const view = planView(anObject({ status: { observedGeneration: 1 } }));
    expect(hasWork(view)).to.equal(false);
    expect(planSummary([view])).to.equal('Plan: nothing to do.');
    const edited = planView(anObject({ generation: 2, status: { observedGeneration: 1 } }));
    expect(hasWork(edited)).to.equal(true);
    expect(planSummary([edited])).to.equal('Plan: not known yet.');
    expect(hasWork(planView(anObject()))).to.equal(true);
  });

  it('says what keeps the operator from the steps, and what Azure works on', () => {
    const status: Status = {
      observedGeneration: 1,
      regions: [{ location: 'japaneast', desired: true, home: false, state: 'Syncing' }],
    };
    const spec = { suspend: true, mode: 'Observe' } as const;
    expect(linesOf(status, { spec }).slice(1)).to.deep.equal([
      '  # suspended: the operator takes no step until: kubectl georep resume myacr0007 -n registries',
      '  # mode Observe: the operator only shows the steps',
      '  # synchronising japaneast',
    ]);
  });

  it('does not say that there is nothing to do where a problem is in the way', () => {
    const lastTransitionTime = now.toISOString();
    const status: Status = {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'RegistryNotFound',
          message: 'it does not exist',
          lastTransitionTime,
        },
      ],
      regions: [{ location: 'japaneast', desired: true, home: false, state: 'Absent' }],
    };
    expect(linesOf(status)).to.deep.equal([
      'registries/myacr0007 (registry myACR0007)',
      '  # RegistryNotFound: it does not exist',
    ]);
    const view = planView(anObject({ status }));
    expect(hasWork(view)).to.equal(true);
    expect(planSummary([view])).to.equal('Plan: blocked, see above.');
  });

  it('says why a region is created, and how the sources are', () => {
    const status: Status = {
      observedGeneration: 1,
      plan: steps,
      sources: [
        { source: 'nodes', state: 'Synced', regions: 1, unknown: { count: 4, examples: ['lab', 'on "prem"'] } },
        { source: 'MemberCluster', state: 'Forbidden', regions: 0, message: 'it may not be listed' },
      ],
      regions: [
        {
          location: 'uksouth',
          desired: true,
          home: false,
          state: 'Absent',
          neededBy: [
            { source: 'nodes', count: 12 },
            { source: 'MemberCluster', count: 7, names: ['a', 'b', 'c', 'd', 'e'] },
          ],
        },
      ],
    };
    expect(linesOf(status)).to.deep.equal([
      'registries/myacr0007 (registry myACR0007)',
      '  # source nodes: Synced, 1 region, 4 values are no Azure regions, such as "lab", "on \\"prem\\""',
      '  # source MemberCluster: Forbidden: it may not be listed',
      '  + uksouth       create the replica; needed by nodes (12) and MemberCluster a, b, c, d, e and 2 more',
      '  ~ japaneast     turn routing on',
      '  - northeurope   delete the replica',
    ]);
    const [create, update] = planView(anObject({ status })).steps;
    expect(create?.neededBy).to.deep.equal(status.regions?.[0]?.neededBy);
    expect(update).not.to.have.property('neededBy');
  });

  it('says what is kept that no source names any more', () => {
    const status: Status = {
      observedGeneration: 1,
      regions: [
        { location: 'uksouth', desired: true, home: false, state: 'Ready', unusedSince: '2026-11-22T09:00:00Z' },
        { location: 'eastus2', desired: false, home: false, state: 'Deleting', unusedSince: '2026-11-20T09:00:00Z' },
      ],
    };
    const view = planView(anObject({ status, spec: { keepUnused: '90m' } }));
    expect(view.kept).to.deep.equal([{ location: 'uksouth', unusedSince: '2026-11-22T09:00:00Z', keptFor: '1h30m' }]);
    expect(planLines(view).map(({ text }) => text)).to.include(
      '  # keeping uksouth for 1h30m: no source has named it since 2026-11-22T09:00:00Z',
    );
    expect(hasWork(view)).to.equal(false);
  });

  it('does not say twice why a source cannot be read', () => {
    const message = 'source MemberCluster is Forbidden: it may not be listed';
    const condition = { type: 'Ready', status: 'False', reason: 'SourceUnreadable', message } as const;
    const status: Status = {
      observedGeneration: 1,
      conditions: [{ ...condition, lastTransitionTime: now.toISOString() }],
      sources: [{ source: 'MemberCluster', state: 'Forbidden', regions: 0, message: 'it may not be listed' }],
    };
    expect(linesOf(status).slice(1)).to.deep.equal([
      `  # SourceUnreadable: ${message}`,
      '  # source MemberCluster: Forbidden',
    ]);
  });

  it('shows no control character of a message', () => {
    const plan: Status['plan'] = [{ action: 'create', location: 'uksouth', message: 'x\u001b[31m\ny' }];
    expect(linesOf({ observedGeneration: 1, plan })[1]).to.equal('  + uksouth   x [31m y');
  });
});
