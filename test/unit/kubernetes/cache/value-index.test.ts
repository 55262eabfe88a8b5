import { expect } from 'chai';
import fc from 'fast-check';
import { type Reduced, ValueIndex } from '../../../../src/kubernetes/cache/value-index.ts';
import { propertyRuns } from '../../../property-runs.ts';

const node = (name: string, ...matches: Reduced['matches']): Reduced => ({ metadata: { name }, matches });

describe('a value index', () => {
  it('tells how many objects name a value, and the first five names', () => {
    const index = new ValueIndex(1);
    for (const name of ['g', 'c', 'a', 'f', 'b', 'e', 'd']) index.onObserved(node(name, ['eastus']));
    index.onObserved(node('h', ['japaneast', 'eastus']));
    index.onObserved(node('i', []));
    index.onObserved(node('j', undefined));
    const { values, objects } = index.read(0);
    expect(Object.fromEntries(values)).to.deep.equal({
      eastus: { count: 8, names: ['a', 'b', 'c', 'd', 'e'] },
      japaneast: { count: 1, names: ['h'] },
    });
    expect(objects, 'those that match the selector').to.equal(9);
  });

  it('reports a change only if the set of values has changed since the last call', () => {
    const index = new ValueIndex(2);
    index.onObserved(node('a', ['eastus'], ['x']));
    expect(index.takeChanged()).to.deep.equal([0, 1]);
    index.onObserved(node('b', ['eastus'], undefined));
    index.onObserved(node('a', ['eastus'], ['x']));
    expect(index.takeChanged(), 'one more object').to.deep.equal([]);
    index.onDeleted('a');
    expect(index.takeChanged()).to.deep.equal([1]);
    index.onDeleted('b');
    index.onObserved(node('c', ['eastus'], undefined));
    expect(index.takeChanged(), 'gone and back').to.deep.equal([]);
  });

  it('is not read anew after the heartbeat of an object', () => {
    const index = new ValueIndex(1);
    index.onObserved(node('a', ['eastus']));
    const before = index.read(0);
    index.onObserved(node('a', ['eastus']));
    expect(index.read(0)).to.equal(before);
    index.onObserved(node('b', ['eastus']));
    expect(index.read(0)).to.not.equal(before);
  });

  it('takes objects of different namespaces for different ones', () => {
    const index = new ValueIndex(1);
    for (const namespace of ['one', 'two']) index.onObserved({ metadata: { name: 'a', namespace }, matches: [['x']] });
    expect(index.read(0).values.get('x')).to.deep.equal({ count: 2, names: ['a', 'a'] });
    index.onDeleted('one/a');
    expect(index.read(0).values.get('x')).to.deep.equal({ count: 1, names: ['a'] });
  });

  it('equals a count from scratch after any sequence of changes', () => {
    const value = fc.constantFrom('eastus', 'westeurope', 'japaneast', '__proto__');
    const matches = fc.tuple(
      fc.option(fc.uniqueArray(value, { maxLength: 3 }), { nil: undefined }),
      fc.option(fc.uniqueArray(value, { maxLength: 3 }), { nil: undefined }),
    );
    const name = fc.integer({ min: 0, max: 9 }).map((number) => `node-${number}`);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ type: fc.constant('observed' as const), name, matches }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('deleted' as const), name }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('read' as const) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('changed' as const) }) },
    );
    const check = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new ValueIndex(2);
      const model = new Map<string, Reduced['matches']>();
      let told = [new Set<string>(), new Set<string>()];
      for (const step of steps) {
        if (step.type === 'observed') {
          expect(index.onObserved(node(step.name, ...step.matches))?.matches).to.deep.equal(model.get(step.name));
          model.set(step.name, step.matches);
        } else if (step.type === 'deleted') {
          index.onDeleted(step.name);
          model.delete(step.name);
        } else if (step.type === 'changed') {
          const now = [0, 1].map((query) => new Set(Object.keys(fromScratch(model, query).values)));
          const differs = (query: number) => (told[query]?.symmetricDifference(now[query] ?? new Set()).size ?? 0) > 0;
          expect(index.takeChanged()).to.deep.equal([0, 1].filter(differs));
          told = now;
        } else expectEqual(index, model);
      }
      expectEqual(index, model);
    });
    fc.assert(check, propertyRuns(2_000, 200));
  });
});

function expectEqual(index: ValueIndex, model: ReadonlyMap<string, Reduced['matches']>): void {
  for (const query of [0, 1]) {
    const { values, objects } = index.read(query);
    const expected = fromScratch(model, query);
    expect({ values: Object.fromEntries(values), objects }).to.deep.equal(expected);
    expect(new Set(index.counts(query).keys())).to.deep.equal(new Set(Object.keys(expected.values)));
  }
}

function fromScratch(model: ReadonlyMap<string, Reduced['matches']>, query: number) {
  const matching = [...model].flatMap(([name, matches]) => (matches[query] ? [{ name, values: matches[query] }] : []));
  const all = new Set(matching.flatMap(({ values }) => values));
  const naming = (value: string) => {
    const names = matching.flatMap(({ name, values }) => (values.includes(value) ? [name] : [])).sort();
    return { count: names.length, names: names.slice(0, 5) };
  };
  return { values: Object.fromEntries([...all].map((value) => [value, naming(value)])), objects: matching.length };
}
