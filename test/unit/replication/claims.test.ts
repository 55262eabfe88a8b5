import { expect } from 'chai';
import fc from 'fast-check';
import { annotation, type RegistryReplication } from '../../../src/api/registryreplication.ts';
import { Claims } from '../../../src/replication/claims.ts';
import { anObject, type ObjectParts } from './fixtures.ts';

function named(name: string, ageSeconds: number, parts: ObjectParts & { since?: string } = {}): RegistryReplication {
  const { since, ...rest } = parts;
  const object = anObject({ claimed: false, ...rest, ...(since && { status: { ...parts.status, claim: { since } } }) });
  const creationTimestamp = new Date(Date.parse('2026-11-22T00:00:00Z') - ageSeconds * 1_000);
  return { ...object, metadata: { ...object.metadata, name, uid: name, creationTimestamp } };
}

function claimsOf(...objects: RegistryReplication[]) {
  const requeued: string[] = [];
  const claims = new Claims((keys) => void requeued.push(...keys));
  for (const object of objects) claims.put(object);
  return { claims, requeued };
}

const any = named('any', 0);

describe('the holder of a registry', () => {
  it('is the object with the claim, even if other objects are older (trap 30)', () => {
    const { claims } = claimsOf(named('old', 9), named('young', 1, { since: '2026-11-22T01:00:00Z' }));
    expect(claims.holder(any)).to.equal('registries/young');
  });

  it('stays the holder while it is suspended, invalid, in mode Observe, denied or being deleted', () => {
    const since = '2026-11-22T01:00:00Z';
    const states: ObjectParts[] = [
      { spec: { suspend: true } },
      { spec: { mode: 'Observe' } },
      { regions: ['Japan East', 'japaneast'] },
      { claimed: true, deleting: true },
    ];
    for (const state of states) {
      const holder = named('young', 1, { ...state, since });
      const { claims } = claimsOf(named('old', 9), holder);
      claims.deny(holder, true);
      expect(claims.holder(any), JSON.stringify(state)).to.equal('registries/young');
      expect(claims.acquire(named('old', 9))).to.equal(false);
    }
  });

  it('is the object with the older claim if two have one, and the other one is requeued', () => {
    const first = named('young', 1, { since: '2026-11-22T01:00:00Z' });
    const { claims, requeued } = claimsOf(named('old', 9, { since: '2026-11-22T02:00:00Z' }), first);
    expect(claims.isHolder(first)).to.equal(true);
    expect(requeued).to.deep.equal(['registries/old']);
  });

  it('is the older object if two claims are from the same second, then the one with the lower uid', () => {
    const since = '2026-11-22T01:00:00Z';
    expect(claimsOf(named('b', 1, { since }), named('a', 1, { since })).claims.holder(any)).to.equal('registries/a');
    expect(claimsOf(named('b', 2, { since }), named('a', 1, { since })).claims.holder(any)).to.equal('registries/b');
  });

  it('is found regardless of the case of the registry id', () => {
    const { registry } = any.spec;
    const inUpperCase = named('one', 1, { spec: { registry: { ...registry, name: registry.name.toUpperCase() } } });
    const { claims } = claimsOf(named('two', 2, { since: '2026-11-22T01:00:00Z' }), inUpperCase);
    expect(claims.holder(inUpperCase)).to.equal('registries/two');
  });

  it("loses the registry once it is deleted and released, even if other controllers' finalizers remain", () => {
    const since = '2026-11-22T01:00:00Z';
    const released = named('one', 2, { since, deleting: true, claimed: false });
    const { claims } = claimsOf(named('one', 2, { since, deleting: true, claimed: true }), named('two', 1));
    claims.put(released);
    expect(claims.holder(any)).to.equal(undefined);
    expect(claims.acquire(named('two', 1))).to.equal(true);
  });
});

describe('a free registry', () => {
  it('is acquired by the oldest object, or by the lower uid if two are equally old', () => {
    const [young, b, a] = [named('young', 1), named('b', 9), named('a', 9)];
    const { claims } = claimsOf(young, b, a);
    expect([young, b, a].map((object) => claims.acquire(object))).to.deep.equal([false, false, true]);
  });

  it('is not acquired by an object that is suspended, in mode Observe, invalid, denied or being deleted', () => {
    const denied = named('denied', 9);
    const others = [
      named('suspended', 9, { spec: { suspend: true } }),
      named('observing', 9, { spec: { mode: 'Observe' } }),
      named('invalid', 9, { regions: ['Japan East', 'japaneast'] }),
      named('deleted', 9, { claimed: false, deleting: true }),
      denied,
    ];
    const young = named('young', 1);
    const { claims } = claimsOf(...others, young);
    claims.deny(denied, true);
    expect(others.map((object) => claims.acquire(object))).to.deep.equal(others.map(() => false));
    expect(claims.acquire(young)).to.equal(true);
  });

  it('is acquired by one pass at a time, even if another object becomes the oldest meanwhile', () => {
    const [old, young] = [named('old', 9), named('young', 1)];
    const { claims, requeued } = claimsOf(young);
    expect(claims.acquire(young)).to.equal(true);
    claims.put(old);
    expect(claims.acquire(old)).to.equal(false);
    expect(claims.holder(old)).to.equal('registries/young');
    claims.endReservation(young);
    expect(requeued).to.deep.equal(['registries/old']);
    expect(claims.acquire(old)).to.equal(true);
  });

  it('is not kept for an object that was deleted while it acquired the registry', () => {
    const { claims } = claimsOf(any);
    expect(claims.acquire(any)).to.equal(true);
    claims.drop(any);
    expect(claims.size).to.equal(1);
    claims.endReservation(any);
    expect(claims.size).to.equal(0);
  });

  it('is not acquired by a new object with the name of the candidate', () => {
    const { claims } = claimsOf(named('one', 9));
    const anew = named('one', 1);
    expect(claims.acquire({ ...anew, metadata: { ...anew.metadata, uid: 'another' } })).to.equal(false);
  });

  it('has the same holder and candidate as a full comparison, after any sequence of changes', () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      age: fc.nat(3),
      since: fc.option(fc.nat(3), { nil: undefined }),
      suspend: fc.boolean(),
      isGone: fc.boolean(),
      isDenied: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { claims } = claimsOf();
        const present = new Map<string, { object: RegistryReplication; isDenied: boolean }>();
        for (const { name, age, since, suspend, isGone, isDenied } of steps) {
          const time = since === undefined ? {} : { since: `2026-11-22T00:00:0${since}Z` };
          const object = named(name, age, { ...time, spec: { suspend } });
          claims.drop(object);
          present.delete(name);
          if (isGone) continue;
          claims.put(object);
          claims.deny(object, isDenied);
          present.set(name, { object, isDenied });
        }
        const all = [...present.values()];
        const age = (one: RegistryReplication) => new Date(one.metadata.creationTimestamp ?? 0).getTime();
        const byAge = (one: RegistryReplication, other: RegistryReplication) =>
          age(one) - age(other) || (one.metadata.name < other.metadata.name ? -1 : 1);
        const claimed = all.map(({ object }) => object).filter(({ status }) => status?.claim);
        const since = ({ status }: RegistryReplication) => Date.parse(status?.claim?.since ?? '');
        const [holder] = claimed.sort((one, other) => since(one) - since(other) || byAge(one, other));
        const free = all.filter(({ object, isDenied }) => !isDenied && !object.spec.suspend);
        const [candidate] = free.map(({ object }) => object).sort(byAge);
        expect(claims.holder(any)).to.equal(holder && `registries/${holder.metadata.name}`);
        expect(claims.candidate(any)).to.equal(candidate && `registries/${candidate.metadata.name}`);
      }),
    );
  });
});

describe('3,000 objects that name one registry', () => {
  const many = Array.from({ length: 3_000 }, (_, n) => named(`object${n}`, n));
  const oldest = many.at(-1) ?? any;
  const holding = named(oldest.metadata.name, 2_999, { since: '2026-11-22T01:00:00Z' });

  it('cost a few comparisons per change, and none is requeued by a change that does not affect its claim', () => {
    const { claims, requeued } = claimsOf(...many.slice(0, -1), holding);
    expect(claims.comparisons).to.be.below(3_000 * 16);
    const before = claims.comparisons;
    const [first = any] = many;
    claims.put({
      ...first,
      metadata: { ...first.metadata, annotations: { [annotation.reconcileRequestedAt]: 'now' } },
    });
    claims.put({ ...holding, status: { ...holding.status, phase: 'Ready' } });
    claims.put({ ...first, spec: { ...first.spec, suspend: true } });
    claims.put({ ...holding, spec: { ...holding.spec, regions: [{ location: 'uksouth' }] } });
    claims.put({ ...holding, spec: { ...holding.spec, suspend: true } });
    expect(claims.comparisons - before).to.be.below(80);
    expect(requeued).to.deep.equal([]);
  });

  it('are each requeued once when the holder is deleted, the next candidate first', () => {
    const { claims, requeued } = claimsOf(...many.slice(0, -1), holding);
    const before = claims.comparisons;
    claims.drop(holding);
    expect(claims.comparisons - before).to.be.below(40);
    expect(requeued).to.have.length(2_999);
    expect(new Set(requeued).size).to.equal(2_999);
    expect(requeued[0]).to.equal('registries/object2998');
  });

  it('are requeued when the holder is deleted even if they may not acquire the registry, and objects of others are not', () => {
    const suspended = many.slice(0, 2_999).map((object) => ({ ...object, spec: { ...object.spec, suspend: true } }));
    const other = named('other', 1, { spec: { registry: { ...any.spec.registry, name: 'another' } } });
    const { claims, requeued } = claimsOf(...suspended, other, holding);
    claims.drop(holding);
    expect(requeued.toSorted()).to.deep.equal(suspended.map(({ metadata }) => `registries/${metadata.name}`).sort());
  });

  it('are requeued one after another as each one is denied', () => {
    const { claims, requeued } = claimsOf(...many);
    for (const object of [...many].reverse().slice(0, 10)) claims.deny(object, true);
    expect(requeued).to.deep.equal(
      many
        .slice(-11, -1)
        .map(({ metadata }) => `registries/${metadata.name}`)
        .reverse(),
    );
  });
});
