// Any sequence of edits, outages, refusals and restarts of one object: after each pass its status says one thing.
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anyPrune, anyRegions, anyReplicas } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aRegistry } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const answers = {
  all: undefined,
  outage: new ArmError('Transient', 'AzureUnreachable', `no answer (${'x. ('.repeat(2_500)})`),
  throttled: new ArmError('Throttled', 'Throttled', 'too many requests', { retryAfter: 17_000 }),
  'held back': new ArmError('NotSent', 'Throttled', 'waits for the rate limit', { retryAfter: 40_000 }),
  denied: new ArmError('Denied', 'AuthorizationFailed', 'no right'),
} as const;

const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('list' as const), regions: anyRegions }),
  fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom('Manage' as const, 'Observe' as const) }),
  fc.record({ kind: fc.constant('suspend' as const), suspend: fc.boolean() }),
  fc.record({
    kind: fc.constant('answers' as const),
    to: fc.constantFrom('reads' as const, 'writes' as const),
    with: fc.constantFrom(...(Object.keys(answers) as (keyof typeof answers)[])),
  }),
  fc.record({
    kind: fc.constant('registry' as const),
    registry: fc.constantFrom({}, { sku: 'Basic' }, { provisioningState: 'Updating' }),
  }),
  fc.constant({ kind: 'invalid' as const }),
  fc.constant({ kind: 'restart' as const }),
  fc.constant({ kind: 'delete' as const }),
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
const anySteps = fc.array(
  fc.record({ step: anyStep, passes: fc.nat(5), minutes: fc.constantFrom(0, 1, 16, 70, 800) }),
  { maxLength: 9 },
);

function take(
  step: Step,
  operator: OperatorModel,
  arm: ArmModel,
  fault: Record<'reads' | 'writes', ArmError | undefined>,
) {
  if (step.kind === 'list') operator.edit({ regions: step.regions });
  if (step.kind === 'mode') operator.edit({ mode: step.mode });
  if (step.kind === 'suspend') operator.edit({ suspend: step.suspend });
  if (step.kind === 'answers') fault[step.to] = answers[step.with];
  if (step.kind === 'registry') arm.currentRegistry = aRegistry(step.registry);
  if (step.kind === 'invalid') operator.edit({ regions: [{ location: 'japaneast', tags: { 'a/b': '1' } }] });
  if (step.kind === 'restart') operator.restart();
  if (step.kind === 'delete' && !operator.object.metadata.deletionTimestamp) operator.delete();
}

function expectOneStory(operator: OperatorModel): void {
  const { object, status } = operator;
  const [ready, stalled, reconciling] = ['Ready', 'Stalled', 'Reconciling'].map((type) => operator.condition(type));
  const { generation } = object.metadata;
  const phase = status.phase ?? '';
  if (phase !== 'Suspended') {
    expect(ready?.observedGeneration, 'generation of Ready').to.equal(generation);
    if (phase === 'Ready') expect(ready?.status).to.equal('True');
    if (ready?.status === 'True') expect(phase).to.be.oneOf(['Ready', 'Observing']);
    if (status.readyRegions) expect(status.readyRegions.split('/')[1]).to.equal(`${object.spec.regions?.length}`);
  }
  if (stalled) expect(phase).to.be.oneOf(['Failed', 'Degraded', 'Deleting', 'Observing']);
  if (phase === 'Degraded') {
    const [n, m] = (status.readyRegions ?? '').split('/');
    expect(n).to.equal(m);
  }
  if (phase === 'Syncing') expect(reconciling?.status, 'Reconciling').to.equal('True');
  if (stalled) expect(reconciling).to.equal(undefined);
  expect((status.syncing ?? '').split(',').length).to.be.at.most(4);
  expect((status.regionList ?? '').split(',').length).to.be.at.most(7);
  const message = status.message ?? '';
  expect(message.length).to.be.at.most(160);
  expect(ready?.message.startsWith(message.replace(/…$/, '')), 'message').to.equal(true);
}

describe('the status, in any sequence of edits, outages, refusals and restarts', () => {
  it('tells one story after each pass', async () => {
    await fc.assert(
      fc.asyncProperty(anyReplicas, anyRegions, anyPrune, anySteps, async (replicas, regions, prune, steps) => {
        const clock = new FakeClock();
        const arm = new ArmModel(clock, replicas);
        const operator = new OperatorModel(anObject({ regions, spec: { prune }, claimed: false }), arm, clock);
        const fault: Record<'reads' | 'writes', ArmError | undefined> = { reads: undefined, writes: undefined };
        arm.beforeRequest = (request) => {
          const error = fault[/^(GET|LIST)/.test(request) ? 'reads' : 'writes'];
          if (error) throw error;
        };
        for (const { step, passes, minutes } of steps) {
          take(step, operator, arm, fault);
          await clock.advance(minutes * 60_000);
          for (let n = 0; n <= passes && !operator.isGone; n++) {
            const wait = await operator.pass();
            if (operator.isGone) break;
            expectOneStory(operator);
            await clock.advance(wait ?? 0);
          }
        }
      }),
      propertyRuns(2_000),
    );
  });

  const unanswered = [answers.outage, answers.throttled];

  async function afterTwoHours(operator: OperatorModel, clock: FakeClock) {
    const [writes, events] = [operator.statusWrites, operator.events.length];
    const end = clock.now().getTime() + 2 * 3_600_000;
    while (clock.now().getTime() < end) await clock.advance((await operator.pass()) ?? end);
    return { writes: operator.statusWrites - writes, events: operator.events.length - events };
  }

  function newObject(errors: readonly ArmError[]) {
    const clock = new FakeClock();
    const arm = new ArmModel(clock, []);
    let reads = 0;
    arm.beforeRequest = (request) => {
      const error = errors[reads % errors.length];
      if (request === 'GET registry') reads++;
      if (error) throw error;
    };
    return { clock, arm, operator: new OperatorModel(anObject(), arm, clock) };
  }

  it('is written once while the rate limit holds a new object back, which stays Pending', async () => {
    const { operator, clock } = newObject([answers['held back']]);
    expect(await afterTwoHours(operator, clock)).to.deep.equal({ writes: 1, events: 0 });
    expect(operator.status.phase).to.equal('Pending');
    expect(operator.status.message).not.to.include('edit');
  });

  it('has one event while Azure throttles and fails in turn', async () => {
    const { operator, clock } = newObject(unanswered);
    expect((await afterTwoHours(operator, clock)).events).to.equal(1);
  });

  it('stays as it is while Azure refuses and fails in turn', async () => {
    const { operator, clock } = newObject([answers.denied, answers.outage]);
    expect(await afterTwoHours(operator, clock)).to.deep.equal({ writes: 1, events: 1 });
    expect(operator.condition('Ready')?.reason).to.equal('AuthorizationFailed');
  });

  it('does not name the last holder once the object has the claim, although Azure does not answer', async () => {
    const { operator } = newObject([answers.outage]);
    const other = anObject();
    operator.object = anObject({ claimed: false });
    operator.otherObjects = [{ ...other, metadata: { ...other.metadata, name: 'other', uid: 'other' } }];
    await operator.pass();
    expect(operator.condition('Ready')?.reason).to.equal('RegistryClaimed');
    operator.otherObjects = [];
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ status: 'Unknown', reason: 'AzureUnreachable' });
    expect(operator.status.phase).to.equal('Pending');
  });
});
