// Arbitrary sequences of edits, denials, crashes and clock steps for a few objects that name one registry.
import fc from 'fast-check';
import { allowedRegistries } from '../../../src/api/registryreplication.ts';
import type { FakeClock } from '../../fake-clock.ts';
import type { ClusterModel } from './cluster-model.ts';

const minute = 60_000;
export const names = ['a', 'b', 'c', 'd', 'e'] as const;

const anyRegions = fc.subarray(['japaneast', 'westeurope', 'northeurope', 'uksouth'], { minLength: 1 });
const anyMode = fc.constantFrom('Manage' as const, 'Observe' as const);

const anyEdit = fc.oneof(
  fc.record({ kind: fc.constant('mode' as const), mode: anyMode }),
  fc.record({ kind: fc.constant('suspend' as const), suspend: fc.boolean() }),
);
const anyEvent = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), regions: anyRegions, mode: anyMode }),
  fc.record({ kind: fc.constant('list' as const), regions: anyRegions }),
  fc.record({ kind: fc.constant('namespace' as const), is: fc.constantFrom('allows', 'refuses', 'is unreadable') }),
  fc.record({ kind: fc.constant('default identity' as const), is: fc.constantFrom('allow' as const, 'deny' as const) }),
  fc.record({ kind: fc.constant('clock' as const), minutes: fc.constantFrom(-1_500, -70, -1, 1, 9, 70, 1_500) }),
  fc.constant({ kind: 'invalid tag' as const }),
  fc.constant({ kind: 'delete' as const }),
  fc.constant({ kind: 'lose status' as const }),
  fc.constant({ kind: 'crash' as const }),
);
const anyAction = fc.oneof(anyEdit, anyEvent);
export type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

const anyObjectIndex = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4);
const anyMoment = {
  afterMs: fc.constantFrom(0, 1_000, 30_000, 5 * minute, 11 * minute, 65 * minute),
  requests: fc.nat(10),
};

/** Applies `action` to one object after `afterMs`, at the operator's nth request from then. */
const anyStep = fc.record({ objectIndex: anyObjectIndex, action: anyAction, ...anyMoment });
/** Edits of one object, in any order. */
const edits: readonly Action[] = [
  { kind: 'suspend', suspend: true },
  { kind: 'mode', mode: 'Manage' },
  { kind: 'suspend', suspend: false },
  { kind: 'mode', mode: 'Observe' },
];
const anyEdits = fc
  .tuple(anyObjectIndex, fc.shuffledSubarray([...edits], { minLength: 2 }), fc.record(anyMoment))
  .map(([objectIndex, some, moment]) => some.map((action) => ({ objectIndex, action, ...moment })));
const anySteps = fc.oneof(
  anyStep.map((step) => [step]),
  anyEdits,
);
export type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

export const anySequence = fc.record({
  objects: fc.array(fc.record({ regions: anyRegions, mode: anyMode }), { minLength: 2, maxLength: 5 }),
  steps: fc.array(anySteps, { maxLength: 7 }).map((steps) => steps.flat()),
});

export function listing(regions: readonly string[]) {
  return regions.map((location) => ({ location }));
}

export function apply(action: Action, name: string, cluster: ClusterModel, clock: FakeClock): void {
  switch (action.kind) {
    case 'create':
      if (!cluster.objects.has(name))
        cluster.create(name, { regions: action.regions, spec: { mode: action.mode, pruneDelay: '10m' } });
      break;
    case 'list':
      cluster.edit(name, { regions: listing(action.regions) });
      break;
    case 'mode':
      cluster.edit(name, { mode: action.mode });
      break;
    case 'suspend':
      cluster.edit(name, { suspend: action.suspend });
      break;
    case 'invalid tag':
      cluster.edit(name, { regions: [{ location: 'japaneast', tags: { 'cost/center': '7' } }] });
      break;
    case 'namespace': {
      const isAllowed = action.is === 'allows';
      cluster.namespaces[name] =
        action.is === 'is unreadable'
          ? { refused: 'forbidden', words: '403' }
          : { annotations: isAllowed ? {} : { [allowedRegistries]: '' } };
      break;
    }
    case 'default identity':
      cluster.rules = { ...cluster.rules, defaultIdentity: action.is };
      return;
    case 'clock':
      clock.step(action.minutes * minute);
      break;
    case 'delete':
      cluster.delete(name);
      break;
    case 'lose status':
      cluster.loseStatus(name);
      break;
    case 'crash':
      cluster.kill();
      break;
    default:
      action satisfies never;
  }
}
