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

  it('shows no control character of a message', () => {
    const plan: Status['plan'] = [{ action: 'create', location: 'uksouth', message: 'x\u001b[31m\ny' }];
    expect(linesOf({ observedGeneration: 1, plan })[1]).to.equal('  + uksouth   x [31m y');
  });
});
