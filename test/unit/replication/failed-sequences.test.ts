// Property test of which replicas the operator deletes, under any changes to replicas, status and process.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Status } from '../../../src/api/registryreplication.ts';
import {
  type Accepted,
  type Arm,
  ArmError,
  type Created,
  type Location,
  type NewReplica,
  type Replica,
  type Updated,
} from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anObject, aRegistry, aReplica, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const minute = 60_000;
const locations = ['japaneast', 'westeurope', 'northeurope'];

class Killed extends Error {}

interface TrackedReplica {
  replica: Replica;
  /** Created by the operator's PUT. */
  readonly isOwn: boolean;
  /** A GET has shown it Ready. */
  wasSeenReady: boolean;
}

/** An ARM model whose replicas change only when a step changes them. It records every forbidden deletion. */
class ManualArm implements Arm {
  readonly forbiddenDeletions: string[] = [];
  readonly actualReplicas = new Map<string, TrackedReplica>();
  operator: OperatorModel | undefined;
  /** The outdated replicas that LIST returns, if set. */
  staleList: Replica[] | undefined;
  /** Locations for which GET returns 404 even if there is a replica. */
  readonly hidden = new Set<string>();
  /** The outcome of the next PUT. */
  nextPut: 'accepted' | 'rejected' | 'request lost' | 'response lost' | 'killed before' | 'killed after' = 'accepted';
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.addReplica(home, { displayStatus: 'Ready' }, false);
  }

  addReplica(location: string, parts: Partial<Replica>, isOwn: boolean): Replica {
    const { displayStatus: _, ...bare } = aReplica(location);
    const replica = { ...bare, createdAt: this.#clock.now().toISOString(), ...parts };
    this.actualReplicas.set(location, { replica, isOwn, wasSeenReady: false });
    return replica;
  }

  get list(): Replica[] {
    return [...this.actualReplicas.values()].map(({ replica }) => replica);
  }

  async registry() {
    return aRegistry();
  }

  async replicas(): Promise<Replica[]> {
    return this.staleList ?? this.list;
  }

  async replica(_: unknown, name: string): Promise<Replica> {
    const tracked = this.actualReplicas.get(name);
    if (!tracked || this.hidden.has(name))
      throw new ArmError('NotFound', 'NotFound', `no ${name}`, { code: 'ResourceNotFound' });
    if (tracked.replica.provisioningState === 'Succeeded' && tracked.replica.displayStatus === 'Ready')
      tracked.wasSeenReady = true;
    return tracked.replica;
  }

  async create(_: unknown, name: string, { location }: NewReplica): Promise<Created> {
    const outcome = this.nextPut;
    this.nextPut = 'accepted';
    if (outcome === 'killed before') throw new Killed();
    if (outcome === 'rejected') throw new ArmError('Conflict', 'Conflict', 'another operation is running');
    if (outcome === 'request lost') throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    // A PUT without changes leaves an existing replica as it is (recorded: PowerShell's Az, 2023).
    const replica =
      this.actualReplicas.get(name)?.replica ?? this.addReplica(location, { provisioningState: 'Creating' }, true);
    if (outcome === 'killed after') throw new Killed();
    if (outcome === 'response lost') throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    return { replica };
  }

  async update(_: unknown, name: string): Promise<Updated> {
    return { replica: await this.replica(_, name) };
  }

  async failure(): Promise<string | undefined> {
    return undefined;
  }

  async locations(): Promise<Location[]> {
    return [home, ...locations].map((name) => ({ name }));
  }

  async remove(_: unknown, name: string): Promise<Accepted> {
    const tracked = this.actualReplicas.get(name);
    if (!tracked) return {};
    const listed = this.operator?.object.spec.regions?.map(({ location }) => location) ?? [];
    const { replica, isOwn, wasSeenReady } = tracked;
    const isFailed = replica.provisioningState === 'Failed';
    const isDisposable = isFailed && isOwn && !wasSeenReady && replica.displayStatus !== 'Ready';
    if (listed.includes(name) && !isDisposable)
      this.forbiddenDeletions.push(`deleted ${name}: ${JSON.stringify(tracked)}`);
    const missing = listed.filter((location) => location !== home && !this.actualReplicas.has(location));
    if (!listed.includes(name) && missing.length > 0 && !(isFailed && isOwn))
      this.forbiddenDeletions.push(`pruned ${name} while ${missing.join()} had no replica`);
    tracked.replica = { ...replica, provisioningState: 'Deleting' };
    return {};
  }
}

const anyLocation = fc.constantFrom(...locations);
const ready: Partial<Replica> = { provisioningState: 'Succeeded', displayStatus: 'Ready' };
const failed: Partial<Replica> = { provisioningState: 'Failed', displayStatus: 'Failed' };
const states: readonly Partial<Replica>[] = [
  { provisioningState: 'Creating' },
  { provisioningState: 'Succeeded', displayStatus: 'Syncing' },
  ready,
  { provisioningState: 'Updating', displayStatus: 'Syncing' },
  failed,
  failed,
  { provisioningState: 'Failed', displayStatus: 'Ready' },
  { provisioningState: 'Deleting' },
];
const anyState = fc.constantFrom(...states);
const anyAction = fc.oneof(
  fc.record({ kind: fc.constant('becomes' as const), location: anyLocation, state: anyState }),
  fc.record({ kind: fc.constant('becomes' as const), location: anyLocation, state: anyState }),
  fc.record({ kind: fc.constant('created by another client' as const), location: anyLocation, state: anyState }),
  fc.record({ kind: fc.constant('vanishes' as const), location: anyLocation }),
  fc.record({ kind: fc.constant('list' as const), regions: fc.subarray(locations, { minLength: 1 }) }),
  fc.record({
    kind: fc.constant('next PUT' as const),
    outcome: fc.constantFrom(
      'rejected' as const,
      'request lost' as const,
      'response lost' as const,
      'killed before' as const,
      'killed after' as const,
    ),
  }),
  fc.record({ kind: fc.constant('freeze LIST' as const), isFrozen: fc.boolean() }),
  fc.record({ kind: fc.constant('restore status' as const), passesAgo: fc.nat(8) }),
  fc.constant({ kind: 'lose status' as const }),
  fc.constant({ kind: 'restart' as const }),
);
type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

const anyStep = fc.record({
  action: anyAction,
  passes: fc.nat(3),
  waitMs: fc.constantFrom(0, 2_000, minute, 20 * minute, 70 * minute),
});

interface Snapshot {
  readonly status: Status | undefined;
  /** Replicas that had been seen Ready by then. */
  readonly ready: ReadonlySet<TrackedReplica>;
}

async function applyAction(
  action: Action,
  arm: ManualArm,
  operator: OperatorModel,
  clock: FakeClock,
  snapshots: Snapshot[],
) {
  switch (action.kind) {
    case 'becomes': {
      const tracked = arm.actualReplicas.get(action.location);
      if (!tracked) return;
      const { displayStatus: _, ...bare } = tracked.replica;
      tracked.replica = { ...bare, ...action.state };
      return;
    }
    case 'created by another client':
      // The operator attributes a replica that appears within five minutes of a PUT without a response to that PUT.
      await clock.advance(6 * minute);
      arm.addReplica(action.location, action.state, false);
      return;
    case 'vanishes':
      arm.actualReplicas.delete(action.location);
      return;
    case 'list':
      operator.edit({ regions: action.regions.map((location) => ({ location })) });
      return;
    case 'next PUT':
      arm.nextPut = action.outcome;
      return;
    case 'freeze LIST':
      arm.staleList = action.isFrozen ? arm.list : undefined;
      return;
    case 'restore status': {
      const snapshot = snapshots.at(-1 - action.passesAgo);
      if (!snapshot) return;
      const { status: _, ...object } = operator.object;
      operator.object = { ...object, ...(snapshot.status && { status: snapshot.status }) };
      // The operator cannot know what was observed after the restored status was written.
      for (const tracked of arm.actualReplicas.values()) tracked.wasSeenReady = snapshot.ready.has(tracked);
      operator.restart();
      return;
    }
    case 'lose status': {
      const { status: _, ...object } = operator.object;
      operator.object = object;
      operator.restart();
      return;
    }
    case 'restart':
      operator.restart();
      return;
    default:
      return action satisfies never;
  }
}

async function runSteps(steps: readonly (typeof anyStep extends fc.Arbitrary<infer T> ? T : never)[]): Promise<void> {
  const clock = new FakeClock();
  const arm = new ManualArm(clock);
  const operator = new OperatorModel(anObject({ regions: ['japaneast'], spec: { pruneDelay: '0s' } }), arm, clock);
  arm.operator = operator;
  const snapshots: Snapshot[] = [];
  for (const { action, passes, waitMs } of steps) {
    await applyAction(action, arm, operator, clock, snapshots);
    for (let pass = 0; pass <= passes; pass++) {
      await operator.pass().catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        operator.restart();
      });
      const ready = [...arm.actualReplicas.values()].filter(({ wasSeenReady }) => wasSeenReady);
      snapshots.push({
        status: structuredClone(operator.object.status),
        ready: new Set(ready),
      });
      await clock.advance(waitMs + 1_000);
    }
  }
  expect(arm.forbiddenDeletions.join('; ')).to.equal('');
}

describe('the operator, under arbitrary changes to replicas, status and process', () => {
  it('spares a Failed replica that another client created while a GET still returned 404', async () => {
    const clock = new FakeClock();
    const arm = new ManualArm(clock);
    const operator = new OperatorModel(anObject({ regions: ['japaneast'] }), arm, clock);
    arm.operator = operator;
    arm.addReplica('japaneast', { provisioningState: 'Failed', displayStatus: 'Failed' }, false);
    arm.hidden.add('japaneast');
    await operator.pass();
    arm.hidden.clear();
    for (let pass = 0; pass < 10; pass++) await clock.advance((await operator.pass()) ?? 10 * minute);
    expect(arm.forbiddenDeletions.join('; ')).to.equal('');
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'RegionFailed' });
    expect(operator.condition('Ready')?.message).to.contain('this object is not known to have created it');
  });

  it('spares a replica of its own that was Ready, and that another client failed to delete', async () => {
    const clock = new FakeClock();
    const arm = new ManualArm(clock);
    const operator = new OperatorModel(anObject({ regions: ['japaneast'] }), arm, clock);
    arm.operator = operator;
    await operator.pass();
    for (const state of [ready, { provisioningState: 'Deleting' }, failed]) {
      await applyAction({ kind: 'becomes', location: 'japaneast', state }, arm, operator, clock, []);
      for (let pass = 0; pass < 40; pass++) await clock.advance((await operator.pass()) ?? 10 * minute);
    }
    expect(arm.forbiddenDeletions.join('; ')).to.equal('');
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'RegionFailed' });
    expect(operator.condition('Ready')?.message).to.contain('does not replace it because it had been ready');
  });

  it('deletes a listed replica only if it is Failed, its own and never Ready, and prunes only while none is missing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 14 }), runSteps),
      propertyRuns(2_000),
    );
  });
});
