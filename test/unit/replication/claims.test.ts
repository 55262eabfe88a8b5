import { expect } from 'chai';
import fc from 'fast-check';
import type { RegistryReplication, Status } from '../../../src/api/registryreplication.ts';
import { ClaimIndex, holderOf } from '../../../src/replication/claims.ts';
import { reportSuspended } from '../../../src/replication/standstill.ts';
import { anObject, now, type ObjectParts } from './world.ts';

const acting: Status = { phase: 'Ready', registry: { sku: 'Premium' }, conditions: [condition('AllRegionsReady')] };
const refused: Status = { phase: 'Failed', conditions: [condition('RegistryClaimed')] };

function condition(reason: string) {
  return { type: 'Ready', status: 'True', reason, message: '', lastTransitionTime: '' } as const;
}

function named(uid: string, age: number, parts: ObjectParts = {}): RegistryReplication {
  const object = anObject(parts);
  const creationTimestamp = new Date(Date.parse('2026-11-22T00:00:00Z') - age * 1_000);
  return { ...object, metadata: { ...object.metadata, name: uid, uid, creationTimestamp } };
}

const uidOf = (object: RegistryReplication | undefined) => object?.metadata.uid;

describe('the claim on a registry', () => {
  it('is with the older object where nobody holds it yet', () => {
    expect(uidOf(holderOf([named('young', 1), named('old', 9)]))).to.equal('old');
  });

  it('goes by uid where both are of the same age', () => {
    expect(uidOf(holderOf([named('b', 5), named('a', 5)]))).to.equal('a');
  });

  it('stays with the holder, by its status, when an older object comes back (trap 30)', () => {
    expect(uidOf(holderOf([named('old', 9, { status: refused }), named('young', 1, { status: acting })]))).to.equal(
      'young',
    );
  });

  it('stays with a holder that has lost its rights for a while', () => {
    const denied = named('young', 1, { status: { ...acting, conditions: [condition('AuthorizationFailed')] } });
    expect(uidOf(holderOf([named('old', 9, { status: refused }), denied]))).to.equal('young');
  });

  it('is lost by whoever was forbidden to name the registry, also once that is allowed again', () => {
    for (const reason of ['RegistryNotAllowed', 'DefaultIdentityDenied', 'NamespaceUnreadable']) {
      const forbidden = named('old', 9, { status: { ...acting, conditions: [condition(reason)] } });
      expect(uidOf(holderOf([forbidden, named('young', 1, { status: acting })]))).to.equal('young');
    }
  });

  it('stays with a holder that is suspended', () => {
    const suspended = named('young', 1, { spec: { suspend: true }, status: { ...acting, phase: 'Suspended' } });
    expect(uidOf(holderOf([named('old', 9), suspended]))).to.equal('young');
  });

  it('is not won by way of Observe and suspension', () => {
    const watcher = named('old', 9, { spec: { suspend: true }, status: { ...acting, phase: 'Observing' } });
    const { status } = reportSuspended(watcher, now);
    const holder = named('young', 1, { status: acting });
    expect(uidOf(holderOf([{ ...watcher, status }, holder]))).to.equal('young');
    expect(uidOf(holderOf([{ ...watcher, spec: { ...watcher.spec, suspend: false }, status }, holder]))).to.equal(
      'young',
    );
  });

  it('is never with an object in mode Observe, nor with an invalid one', () => {
    const observing = named('old', 9, { spec: { mode: 'Observe' }, status: acting });
    const invalid = named('older', 99, { regions: ['Japan East', 'japaneast'], status: acting });
    expect(uidOf(holderOf([observing, invalid, named('young', 1)]))).to.equal('young');
    expect(holderOf([observing, invalid])).to.equal(undefined);
  });

  it('has one answer, the same for all who ask', () => {
    const anyStatus = fc.constantFrom(undefined, acting, refused);
    const anyOne = fc.tuple(fc.nat(3), anyStatus).map(([age, status]) => ({ age, status }));
    fc.assert(
      fc.property(fc.array(anyOne, { minLength: 1, maxLength: 5 }), fc.nat(), (some, turn) => {
        const objects = some.map(({ age, status }, n) => named(`uid${n}`, age, status && { status }));
        const rotated = [...objects.slice(turn % objects.length), ...objects.slice(0, turn % objects.length)];
        expect(uidOf(holderOf(rotated))).to.equal(uidOf(holderOf(objects)));
      }),
    );
  });
});

describe('the index of claims', () => {
  const registry = anObject().spec.registry;
  const shouting = { spec: { registry: { ...registry, name: registry.name.toUpperCase() } } };

  it('finds all that name one registry, in whatever case', () => {
    const index = new ClaimIndex();
    index.put('a/one', named('one', 1));
    index.put('b/two', named('two', 1, shouting));
    index.put('b/other', named('other', 1, { spec: { registry: { ...registry, name: 'another' } } }));
    expect(index.naming(named('one', 1))).to.deep.equal(['a/one', 'b/two']);
  });

  it('forgets what is dropped, and what names another registry now', () => {
    const index = new ClaimIndex();
    index.put('a/one', named('one', 1));
    index.put('b/two', named('two', 1));
    index.put('b/two', named('two', 1, { spec: { registry: { ...registry, name: 'another' } } }));
    index.drop('a/one');
    expect(index.naming(named('one', 1))).to.deep.equal([]);
  });
});
