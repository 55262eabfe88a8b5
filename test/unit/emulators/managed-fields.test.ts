// Server-side apply of the emulated cluster: sets of fields, merges, owners and conflicts. Pure; the properties hold for every
// sequence of writes.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeEntries,
  type Entry,
  encodeEntries,
  type Writer,
} from '../../emulators/kubernetes/managed-fields/entries.ts';
import {
  ancestorsOf,
  fromFieldsV1,
  printPath,
  toFieldsV1,
} from '../../emulators/kubernetes/managed-fields/field-set.ts';
import { applyConfiguration, entriesAfterUpdate } from '../../emulators/kubernetes/managed-fields/ownership.ts';
import {
  compare,
  fieldsOf,
  merge,
  mergedOrder,
  withNamedParents,
} from '../../emulators/kubernetes/managed-fields/typed.ts';
import { typedErrors } from '../../emulators/kubernetes/managed-fields/typed-errors.ts';
import type { Json, JsonObject } from '../../emulators/kubernetes/object.ts';
import { propertyRuns } from '../../property-runs.ts';
import { configuration, schema } from './owned-fields.ts';

const now = '2026-11-28T00:00:00Z';
const by = (manager: string, operation: Writer['operation']): Writer => ({
  manager,
  operation,
  apiVersion: 'example.dev/v1',
  subresource: undefined,
});

interface State {
  readonly object: Json;
  readonly entries: readonly Entry[];
}

const empty: State = { object: {}, entries: [] };

/** Server-side apply with force. */
function applied({ object, entries }: State, manager: string, config: JsonObject): State {
  return applyConfiguration(entries, by(manager, 'Apply'), { live: object, config, schema, now });
}

function updated({ object, entries }: State, manager: string, after: JsonObject): State {
  const next = entriesAfterUpdate(entries, by(manager, 'Update'), { before: object, after, schema, now });
  return { object: after, entries: next.filter(({ fields }) => fields.size) };
}

const manager = fc.constantFrom('one', 'two', 'three');
const write = fc.tuple(manager, fc.boolean(), configuration);

/** What any sequence of writes leads to. */
const state: fc.Arbitrary<State> = fc.array(write, { maxLength: 5 }).map((writes) => {
  let reached = empty;
  for (const [by, isApply, value] of writes) reached = (isApply ? applied : updated)(reached, by, value);
  return reached;
});

const fieldsBy = (entries: readonly Entry[], name: string) =>
  [...(entries.find(({ manager, operation }) => manager === name && operation === 'Apply')?.fields ?? [])].sort();

describe('managedFields', () => {
  it('is written as FieldsV1, with a dot for a member that has members itself', () => {
    const fields = fieldsOf({ tags: { a: 'x' }, items: [{ key: 'a', text: 't' }], names: ['n'], list: [] }, schema);
    expect(toFieldsV1(fields)).to.deep.equal({
      'f:items': { 'k:{"key":"a"}': { '.': {}, 'f:key': {}, 'f:text': {} } },
      'f:list': {},
      'f:names': { 'v:"n"': {} },
      'f:tags': { 'f:a': {} },
    });
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(configuration, (config) => {
        const { added } = compare({}, config, schema);
        expect(fromFieldsV1(toFieldsV1(added))).to.deep.equal(added);
      }),
      propertyRuns(500),
    );
  });

  it('lists applied configurations first, then updates by time, and no entry without fields', () => {
    const entry = (manager: string, operation: Writer['operation'], time: string): Entry => ({
      ...by(manager, operation),
      time,
      fields: new Set(['f:text']),
    });
    const entries = [
      entry('late', 'Update', '2026-11-28T00:00:02Z'),
      entry('early', 'Update', '2026-11-28T00:00:01Z'),
      { ...entry('none', 'Apply', now), fields: new Set<string>() },
      entry('applied', 'Apply', '2026-11-28T00:00:03Z'),
    ];
    const encoded = encodeEntries(entries);
    expect(encoded.map(({ manager }) => manager)).to.deep.equal(['applied', 'early', 'late']);
    expect(encodeEntries(decodeEntries(JSON.parse(JSON.stringify(encoded))) ?? [])).to.deep.equal(encoded);
  });

  it('names paths as the API server does', () => {
    const [item = ''] = fieldsOf({ items: [{ key: 'a', text: 't' }] }, schema);
    expect(printPath(item)).to.equal('.items[key="a"]');
    const [name = ''] = fieldsOf({ names: ['n'] }, schema);
    expect(printPath(name)).to.equal('.names[="n"]');
  });
});

describe('merging a configuration', () => {
  it('keeps what it does not name, and replaces atomic lists and maps', () => {
    const live = { text: 'x', tags: { a: '1', b: '2' }, whole: { a: '1' }, list: ['a'], names: ['a'] };
    const config = { tags: { b: '3', c: '4' }, whole: { b: '2' }, list: ['b'], names: ['b'] };
    expect(merge(live, config, schema)).to.deep.equal({
      text: 'x',
      tags: { a: '1', b: '3', c: '4' },
      whole: { b: '2' },
      list: ['b'],
      names: ['a', 'b'],
    });
  });

  it('orders shared items as the configuration does, and leaves others where they were', () => {
    expect(mergedOrder(['a', 'x', 'b'], ['b', 'a', 'c'])).to.deep.equal(['x', 'b', 'a', 'c']);
    expect(mergedOrder(['x', 'a'], ['n', 'a'])).to.deep.equal(['x', 'n', 'a']);
    expect(mergedOrder(['a', 'b'], ['c'])).to.deep.equal(['a', 'b', 'c']);
  });

  it('has every item once, those of the configuration in its order', () => {
    const list = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e'));
    fc.assert(
      fc.property(list, list, (live, config) => {
        const order = mergedOrder(live, config);
        expect([...order].sort()).to.deep.equal([...new Set([...live, ...config])].sort());
        expect(order.filter((item) => config.includes(item))).to.deep.equal(config);
        const others = live.filter((item) => !config.includes(item));
        expect(order.filter((item) => !config.includes(item))).to.deep.equal(others);
      }),
      propertyRuns(1000),
    );
  });
});

describe('applying a configuration', () => {
  it('makes the object hold it, whatever was there', () => {
    fc.assert(
      fc.property(state, manager, configuration, (before, who, config) => {
        const { object } = applied(before, who, config);
        expect(merge(object, config, schema)).to.deep.equal(object);
      }),
      propertyRuns(1000),
    );
  });

  it('twice changes nothing more', () => {
    fc.assert(
      fc.property(state, manager, configuration, (before, who, config) => {
        const once = applied(before, who, config);
        const twice = applied(once, who, config);
        expect(twice.object).to.deep.equal(once.object);
        // The second time may give an emptied map back to its owner.
        const again = applied(twice, who, config);
        expect(encodeEntries(again.entries)).to.deep.equal(encodeEntries(twice.entries));
      }),
      propertyRuns(1000),
    );
  });

  it('makes its manager own exactly what it names', () => {
    fc.assert(
      fc.property(state, manager, configuration, (before, who, config) => {
        const { entries } = applied(before, who, config);
        expect(fieldsBy(entries, who)).to.deep.equal([...fieldsOf(config, schema)].sort());
      }),
      propertyRuns(500),
    );
  });

  it('removes only what its manager applied before, with all below', () => {
    fc.assert(
      fc.property(state, manager, configuration, (before, who, config) => {
        const { removed } = compare(before.object, applied(before, who, config).object, schema);
        const last = before.entries.find(({ manager, operation }) => manager === who && operation === 'Apply');
        const removable = withNamedParents(last?.fields ?? new Set(), schema);
        for (const path of removed) {
          const lines = [path, ...ancestorsOf(new Set([path]))];
          expect(
            lines.some((line) => removable.has(line)),
            printPath(path),
          ).to.equal(true);
        }
      }),
      propertyRuns(1000),
    );
  });

  it('of nothing leaves nothing, if its manager alone made the object', () => {
    fc.assert(
      fc.property(configuration, (config) => {
        expect(applied(applied(empty, 'one', config), 'one', {}).object).to.deep.equal({});
      }),
      propertyRuns(500),
    );
  });

  it('takes the owner of an emptied map for the owner of all that is in it, as the API server does', () => {
    const labelled = updated(empty, 'one', { tags: { a: '1' } });
    const taken = applied(labelled, 'two', { tags: { a: '2' } });
    expect(applied(taken, 'two', {}).object).to.deep.equal({ tags: { a: '2' } });
  });

  it('conflicts with no manager where it changes no value', () => {
    fc.assert(
      fc.property(state, manager, (before, who) => {
        const config = before.object as JsonObject;
        const writer = by(`other than ${who}`, 'Apply');
        const { conflicts } = applyConfiguration(before.entries, writer, { live: config, config, schema, now });
        expect(conflicts).to.deep.equal([]);
      }),
      propertyRuns(500),
    );
  });

  it('conflicts with each owner of a field that it changes', () => {
    const before = updated(applied(empty, 'one', { text: 'a', tags: { a: '1' } }), 'two', {
      text: 'b',
      tags: { a: '1' },
    });
    const config = { text: 'c', tags: { a: '2' } };
    const { conflicts } = applyConfiguration(before.entries, by('three', 'Apply'), {
      live: before.object,
      config,
      schema,
      now,
    });
    expect(conflicts.map(({ owner, path }) => [owner.manager, printPath(path)])).to.deep.equal([
      ['one', '.tags.a'],
      ['two', '.text'],
    ]);
  });
});

describe('an update', () => {
  it('owns what it changes, and leaves no owner to what it removes', () => {
    fc.assert(
      fc.property(state, manager, configuration, (before, who, value) => {
        const after = updated(before, who, value);
        const { added, modified, removed } = compare(before.object, value, schema);
        const own = after.entries.find(({ manager, operation }) => manager === who && operation === 'Update');
        for (const path of [...added, ...modified]) expect(own?.fields.has(path), printPath(path)).to.equal(true);
        for (const { fields } of after.entries) {
          expect([...fields].filter((path) => removed.has(path))).to.deep.equal([]);
        }
      }),
      propertyRuns(1000),
    );
  });
});

describe('the errors of a configuration', () => {
  it('name each field that the schema does not have or has otherwise', () => {
    const config = {
      texT: 'a',
      part: { flag: 'x' },
      list: {},
      items: [{ key: 'a' }, { key: 'a' }, {}],
      names: ['n', 1],
    };
    expect(typedErrors(config, schema)).to.deep.equal([
      '.texT: field not declared in schema',
      '.part.flag: expected boolean, got &{x}',
      '.list: expected list, got &{map[]}',
      '.items: duplicate entries for key [key="a"]',
      '.items: element 2: associative list with keys has an element that omits key field "key" (and doesn\'t have default value)',
      '.names[=1]: expected string, got &value.valueUnstructured{Value:1}',
    ]);
  });
});
