// The health check of deploy/argocd, in a Lua 5.1 interpreter with the libraries that Argo CD opens
// (argo-cd, util/lua/lua.go: base, package, table and a reduced os).
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Lua, LuaLibraries } from 'wasmoon-lua5.1';
import { parse } from 'yaml';
import type { Condition, Phase, RegistryReplication } from '../../src/api/registryreplication.ts';
import { ArmError } from '../../src/azure/arm.ts';
import { type Reason, reasons } from '../../src/replication/reasons.ts';
import { FakeClock } from '../fake-clock.ts';
import { ArmModel } from './replication/arm-model.ts';
import { anObject, aReplica, home } from './replication/fixtures.ts';
import { OperatorModel } from './replication/operator-model.ts';

/** The codes that a check may return (argo-cd, docs/operator-manual/health.md). */
type Code = 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended';

const { data } = parse(readFileSync(new URL('../../deploy/argocd/argocd-cm.yaml', import.meta.url), 'utf8')) as {
  data: Record<string, string>;
};
const script = data['resource.customizations.health.georeplication.dev_RegistryReplication'] ?? '';

type NeverStalls = { [R in Reason]: (typeof reasons)[R]['needsIntervention'] extends false ? R : never }[Reason];

/** A new reason has no place here, and the compiler asks for one. */
const whileNotStalled = {
  AllRegionsReady: 'Healthy',
  RegionsNotReady: 'Progressing',
  Syncing: 'Progressing',
  Pruning: 'Progressing',
  Deleting: 'Progressing',
  Suspended: 'Suspended',
  OutOfSync: 'Suspended',
  RegistryNotReady: 'Progressing',
  Throttled: 'Progressing',
  Conflict: 'Progressing',
  NotFound: 'Progressing',
  AzureUnreachable: 'Progressing',
  NoRegions: 'Progressing',
  SourceNotSynced: 'Progressing',
} as const satisfies Record<NeverStalls, Code>;

const ofPhase = {
  Pending: ['RegistryNotReady', 'Progressing'],
  Syncing: ['Syncing', 'Progressing'],
  Pruning: ['Pruning', 'Progressing'],
  Ready: ['AllRegionsReady', 'Healthy'],
  Degraded: ['PruneBlocked', 'Degraded'],
  Failed: ['RegistryNotFound', 'Degraded'],
  Suspended: ['AllRegionsReady', 'Suspended'],
  Observing: ['OutOfSync', 'Suspended'],
  Deleting: ['Deleting', 'Progressing'],
} as const satisfies Record<Phase, readonly [Reason, Code]>;

describe('the health check for Argo CD', () => {
  let lua: Lua;

  before(async () => {
    lua = await Lua.create({ openStandardLibs: false });
    for (const library of [LuaLibraries.Base, LuaLibraries.Table]) lua.global.loadLibrary(library);
  });
  after(() => lua.global.close());

  function healthOf(object: RegistryReplication): { status: string | undefined; message: string | undefined } {
    const result: Map<string, string> = lua.doStringSync(`obj = ${luaTable(object)}\n${script}`).$detach();
    return { status: result.get('status'), message: result.get('message') };
  }

  it('runs in Lua 5.1 without the string library', () => {
    expect(lua.doStringSync('return _VERSION')).to.equal('Lua 5.1');
    expect(lua.doStringSync('return string == nil and io == nil')).to.equal(true);
  });

  it('calls every reason Degraded while it stalls the object, with the reason and the message', () => {
    for (const [reason, { needsIntervention }] of Object.entries(reasons))
      if (needsIntervention)
        expect(healthOf(withConditions(reason, 'False', 'Stalled')), reason).to.deep.equal({
          status: 'Degraded',
          message: `${reason}: it says why`,
        });
  });

  it('calls every reason Progressing while the operator works on it', () => {
    for (const reason of Object.keys(reasons))
      expect(healthOf(withConditions(reason, 'False', 'Reconciling')), reason).to.include({
        status: reason === 'OutOfSync' ? 'Suspended' : 'Progressing',
      });
  });

  it('knows the reasons that never stall', () => {
    for (const [reason, status] of Object.entries(whileNotStalled)) {
      const ready = reason === 'AllRegionsReady' ? 'True' : 'Unknown';
      const phase: Phase = reason === 'Suspended' ? 'Suspended' : 'Ready';
      expect(healthOf(withConditions(reason, ready, undefined, phase)), reason).to.include({ status });
    }
  });

  it('knows every phase', () => {
    for (const [phase, [reason, status]] of Object.entries(ofPhase)) {
      const ready = reason === 'AllRegionsReady' ? 'True' : 'False';
      const also = reasons[reason].needsIntervention ? 'Stalled' : undefined;
      expect(healthOf(withConditions(reason, ready, also, phase as Phase)), phase).to.include({ status });
    }
  });

  it('is Progressing for a new object, and after an edit until the operator has observed it', () => {
    const unseen = { status: 'Progressing', message: 'the operator has not seen this generation yet' };
    expect(healthOf(anObject({ claimed: false }))).to.deep.equal(unseen);
    expect(healthOf(anObject({ claimed: false, status: { observedGeneration: -1 } }))).to.deep.equal(unseen);
    const ready = withConditions('AllRegionsReady', 'True');
    expect(healthOf({ ...ready, metadata: { ...ready.metadata, generation: 2 } })).to.deep.equal(unseen);
    const stalled = withConditions('RegistryNotFound', 'False', 'Stalled');
    expect(healthOf({ ...stalled, metadata: { ...stalled.metadata, generation: 2 } })).to.deep.equal(unseen);
  });

  it('gives the reason why an edit is not observed, where the operator knows it', () => {
    const edited = withConditions('Throttled', 'Unknown', 'Reconciling');
    expect(healthOf({ ...edited, status: { ...edited.status, observedGeneration: 0 } })).to.deep.equal({
      status: 'Progressing',
      message: 'Throttled: it says why',
    });
  });

  it('is Progressing while Reconciling is True, as for kstatus', () => {
    expect(healthOf(withConditions('AllRegionsReady', 'True', 'Reconciling'))).to.include({ status: 'Progressing' });
  });

  it('is Suspended only once the operator has suspended the object', () => {
    const { spec, ...invalid } = withConditions('InvalidSpec', 'False', 'Stalled', 'Failed');
    expect(healthOf({ ...invalid, spec: { ...spec, suspend: true } })).to.include({ status: 'Degraded' });
  });

  it('answers even for a status that the operator never writes', () => {
    expect(healthOf(anObject({ status: { observedGeneration: 1 } }))).to.deep.equal({
      status: 'Progressing',
      message: 'Unknown: the object has no condition Ready',
    });
  });

  it('follows an object of the operator through its life', async () => {
    const clock = new FakeClock();
    const arm = new ArmModel(clock, [aReplica(home)]);
    const operator = new OperatorModel(anObject(), arm, clock);
    const health = () => healthOf(operator.object).status;
    const isReady = () => operator.condition('Ready')?.status === 'True';

    expect(health()).to.equal('Progressing');
    await operator.pass();
    expect(healthOf(operator.object))
      .to.deep.include({ status: 'Progressing' })
      .and.have.property('message')
      .that.matches(/^Syncing: /);
    await operator.runUntil(isReady);
    expect(health()).to.equal('Healthy');

    arm.beforeRequest = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'Azure is down');
    };
    await operator.pass();
    expect(health(), 'a short outage').to.equal('Healthy');
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.pass();
    expect(health(), 'an edit that is not observed').to.equal('Progressing');
    arm.beforeRequest = () => {};
    await operator.runUntil(isReady);

    operator.edit({ suspend: true });
    await operator.pass();
    expect(healthOf(operator.object)).to.deep.equal({ status: 'Suspended', message: 'spec.suspend is true' });
    operator.edit({ suspend: false });
    expect(health(), 'resumed').to.equal('Progressing');
    await operator.runUntil(isReady);
    expect(health()).to.equal('Healthy');

    operator.edit({ mode: 'Observe', regions: [{ location: 'uksouth' }] });
    await operator.pass();
    expect(health(), 'a plan in mode Observe').to.equal('Suspended');
    operator.edit({ mode: 'Manage', regions: [{ location: 'not a region!' }] });
    await operator.pass();
    expect(health(), 'an invalid spec').to.equal('Degraded');
    operator.edit({ regions: [{ location: 'japaneast' }] });
    operator.delete();
    await operator.pass();
    expect(health(), 'a deletion').to.equal('Progressing');
  });
});

/** The value as a table constructor. The interpreter's own conversion counts the items of an array from 0. */
function luaTable(value: unknown): string {
  if (value instanceof Date) return luaTable(value.toISOString());
  if (Array.isArray(value)) return `{ ${value.map(luaTable).join(', ')} }`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null).replace(/^null$/, 'nil');
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `[${luaTable(key)}] = ${luaTable(inner)}`)
    .join(', ')} }`;
}

/** An object whose current generation was observed with this reason; `also` is the other condition that is True. */
function withConditions(
  reason: string,
  ready: Condition['status'],
  also?: 'Stalled' | 'Reconciling',
  phase: Phase = 'Syncing',
): RegistryReplication {
  const common = { observedGeneration: 1, lastTransitionTime: '2026-11-22T12:00:00Z', reason, message: 'it says why' };
  const conditions: Condition[] = [
    { type: 'Ready', status: ready, ...common },
    ...(also ? [{ type: also, status: 'True', ...common } as const] : []),
  ];
  return anObject({
    spec: { suspend: phase === 'Suspended' },
    status: { observedGeneration: 1, phase, conditions },
  });
}
