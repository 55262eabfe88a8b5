import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { compileJsonPath, JsonPathError } from '../../../../src/kubernetes/client/json-path.ts';
import { propertyRuns } from '../../../property-runs.ts';

const cluster = {
  metadata: {
    name: 'prod-eu',
    labels: { 'fleet.azure.com/location': 'westeurope', 'topology.kubernetes.io/region': 'eastus' },
  },
  spec: { location: 'japaneast', zones: ['1', '2', '3'], replicas: 3 },
  status: {
    properties: [
      { name: 'location', value: 'northeurope' },
      { name: 'version', value: '1.33', rank: 2 },
    ],
  },
};

const valuesAt = (path: string, object: object = cluster) => compileJsonPath(path).valuesOf(object);

function problemOf(path: string): string {
  try {
    compileJsonPath(path);
    return 'none';
  } catch (error) {
    if (error instanceof JsonPathError) return error.message;
    throw error;
  }
}

describe("kubectl's JSONPath", () => {
  it('finds the regions of nodes, fleets, Cluster API, ASO and Cluster Inventory', () => {
    expect(valuesAt(".metadata.labels['fleet\\.azure\\.com/location']")).to.deep.equal(['westeurope']);
    expect(valuesAt('.metadata.labels.topology\\.kubernetes\\.io/region')).to.deep.equal(['eastus']);
    expect(valuesAt('{.spec.location}')).to.deep.equal(['japaneast']);
    expect(valuesAt('.status.properties[?(@.name=="location")].value')).to.deep.equal(['northeurope']);
  });

  it('may be in braces, begin with $ or @ or without a dot, and quote names with or without escapes', () => {
    for (const path of [
      'spec.location',
      '$.spec.location',
      '@.spec.location',
      '{ .spec.location }',
      '.spec["location"]',
    ]) {
      expect(valuesAt(path), path).to.deep.equal(['japaneast']);
    }
    expect(valuesAt(".metadata.labels['fleet.azure.com/location']")).to.deep.equal(['westeurope']);
  });

  it('selects elements by index, slice, wildcard and filter', () => {
    expect(valuesAt('.spec.zones[0]')).to.deep.equal(['1']);
    expect(valuesAt('.spec.zones[-1]')).to.deep.equal(['3']);
    expect(valuesAt('.spec.zones[1:]')).to.deep.equal(['2', '3']);
    expect(valuesAt('.spec.zones[*]')).to.deep.equal(['1', '2', '3']);
    expect(valuesAt('.status.properties[?(@.rank > 1)].value')).to.deep.equal(['1.33']);
    expect(valuesAt(".status.properties[?(@['rank'])].name")).to.deep.equal(['version']);
    expect(valuesAt(".status.properties[?(@.name!='version')].value")).to.deep.equal(['northeurope']);
  });

  it('finds strings only, each once', () => {
    expect(valuesAt('.spec.*')).to.deep.equal(['japaneast']);
    expect(valuesAt('.items[*]', { items: ['a', 'b', 'a', 1, null, true, ['c'], { d: 'd' }] })).to.deep.equal([
      'a',
      'b',
    ]);
    expect(valuesAt('.spec.nothing.here[0]')).to.deep.equal([]);
  });

  it('says whether metadata are enough', () => {
    expect(compileJsonPath('.metadata.labels.region').readsOnlyMetadata).to.equal(true);
    expect(compileJsonPath("['metadata'].name").readsOnlyMetadata).to.equal(true);
    expect(compileJsonPath('metadata.name').readsOnlyMetadata).to.equal(true);
    expect(compileJsonPath('.spec.metadata').readsOnlyMetadata).to.equal(false);
    expect(compileJsonPath('.*.name').readsOnlyMetadata).to.equal(false);
  });

  it('that is not supported is refused, with the reason and the place', () => {
    expect(problemOf('')).to.equal('a field is missing at character 1');
    expect(problemOf('.spec.')).to.equal('a field is missing at character 7');
    expect(problemOf('{.spec')).to.equal('expected } at character 7');
    expect(problemOf('{.a}{.b}')).to.equal('unexpected text at character 5');
    expect(problemOf('.a b')).to.equal('expected [ at character 4');
    expect(problemOf('.spec..location')).to.equal('".." is not supported, name the fields instead at character 6');
    expect(problemOf('.a[0,1]')).to.equal('a list in brackets is not supported at character 5');
    expect(problemOf('.a[b]')).to.match(/^expected a name in quotes, a number/);
    expect(problemOf(`.${'a'.repeat(256)}`)).to.equal('longer than 256 characters');
    expect(problemOf("['\ud800']")).to.not.equal('none');
  });
});

describe('a hostile JSONPath', () => {
  it('calls no function, so that no pattern of a user is ever matched', () => {
    for (const filter of ["match(@.a, '(a+)+$')", "search(@.a, '(a+)+$')", 'length(@.a)', "@.a=~'(a+)+$'"]) {
      expect(problemOf(`.items[?(${filter})]`), filter).to.match(/^expected/);
    }
  });

  it('reads own fields only', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'length']) {
      expect(valuesAt(`.${name}`), name).to.deep.equal([]);
      expect(valuesAt(`.metadata.name.${name}`), name).to.deep.equal([]);
      expect(valuesAt(`.spec.zones.${name}`), name).to.deep.equal([]);
      expect(valuesAt(`.constructor.${name}`), name).to.deep.equal([]);
    }
    expect(valuesAt('.__proto__.region', JSON.parse('{"__proto__": {"region": "eastus"}}'))).to.deep.equal(['eastus']);
  });

  it('cannot make the work more than linear: no recursion, no lists, no path from the root in a filter', () => {
    expect(problemOf('$..*..*..*..*')).to.match(/^"\.\." is not supported/);
    expect(problemOf("['a','a']['a','a']")).to.match(/^a list in brackets/);
    expect(problemOf('.a[?($.a[?($.a)])]')).to.match(/^expected @/);
    expect(problemOf('.a[?(@[?(@[?(@)])])]')).to.match(/^expected a name in quotes or a number/);
    expect(problemOf('.a[?(@.*)]')).to.match(/^a field is missing/);
  });

  it('gets at most 100 values of at most 100 characters', () => {
    const items = Array.from({ length: 300_000 }, (_, index) => `${index}`);
    expect(valuesAt('.items[*]', { items })).to.have.length(100);
    const [value = ''] = valuesAt('.a', { a: `eastus${' '.repeat(5_000)}` });
    expect(value).to.have.length(100);
    expect(value.endsWith('…'), 'so that it names no region').to.equal(true);
  });

  it('of the greatest length works on objects of any depth', () => {
    let deep: object = { a: 'deep' };
    for (let level = 0; level < 5_000; level++) deep = { a: deep };
    expect(valuesAt('.a'.repeat(128), deep)).to.deep.equal([]);
    expect(valuesAt('.*'.repeat(128), deep)).to.deep.equal([]);
    expect(valuesAt('[?(@)]'.repeat(42), deep)).to.deep.equal([]);
    expect(problemOf('['.repeat(256))).to.match(/^expected/);
    expect(problemOf('\\'.repeat(255))).to.match(/^expected/);
    expect(problemOf(`.a[${' '.repeat(250)}`)).to.match(/^expected/);
  });

  it('does not keep a long text in memory for the sake of its beginning', () => {
    const { valuesOf } = compileJsonPath('.data.region');
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 100 }, () =>
      valuesOf(JSON.parse(`{"data":{"region":"${'x'.repeat(1_000_000)}"}}`)),
    );
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    expect(kept.flat().join('').length).to.equal(100 * 100);
    expect(process.memoryUsage().heapUsed - before).to.be.below(50_000_000);
  });

  it('either compiles, and then works on any object, or is refused with one line', () => {
    const part = fc.constantFrom(
      ...'.*[]?()@$\'"=<>!,:-01a \\{}'.split(''),
      '..',
      '.a',
      "['a']",
      '[?(@.a=="b")]',
      '[*]',
    );
    const path = fc.oneof(
      fc.array(part).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    const check = fc.property(path, fc.object(), (path, object) => {
      const problem = problemOf(path);
      if (problem === 'none') expect(compileJsonPath(path).valuesOf(object)).to.be.an('array');
      else expect(problem).to.match(/^[^\n]{1,200}$/);
    });
    fc.assert(check, propertyRuns(2_000, 300));
  });

  it('finds any field by its name, quoted or escaped', () => {
    const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 });
    const check = fc.property(name, fc.string({ maxLength: 50 }), (name, value) => {
      const object = JSON.parse(`{"spec": {${JSON.stringify(name)}: ${JSON.stringify(value)}}}`);
      const escaped = name.replace(/./g, '\\$&');
      expect(valuesAt(`.spec.${escaped}`, object)).to.deep.equal([value]);
      expect(valuesAt(`.spec['${escaped}']`, object)).to.deep.equal([value]);
    });
    fc.assert(check, propertyRuns(1_000));
  });
});
