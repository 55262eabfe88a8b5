import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { diffOf, isLastRegion, kubectlCommand } from '../../../src/map/page/change-preview.ts';
import { anyHostileText } from '../../hostile-text.ts';

const object = {
  namespace: 'registries',
  name: 'myacr0007',
  generation: 3,
  follows: false,
  listed: [
    { location: 'Japan East', tags: { team: 'web' } },
    { location: 'westeurope', routing: 'WhenReady' as const },
  ],
};
describe('the preview of a change', () => {
  it('shows as a diff of the YAML', () => {
    const lines = diffOf(object.listed, { action: 'remove', location: 'japaneast' });
    const marks = { same: ' ', added: '+', removed: '-' };
    expect(lines.map(({ kind, text }) => marks[kind] + text)).to.deep.equal([
      ' spec:',
      '   regions:',
      '-    - location: Japan East',
      '-      tags:',
      '-        team: web',
      '     - location: westeurope',
      '       routing: WhenReady',
    ]);
    expect(diffOf(object.listed, { action: 'add', location: 'eastus' }).at(-1)).to.deep.equal({
      kind: 'added',
      text: '    - location: eastus',
    });
  });

  it('shows YAML that reads back as the same regions, whatever tags hold', () => {
    const anyTags = fc.dictionary(
      fc.oneof(anyHostileText, fc.constantFrom('yes', '1', '- a', '~')).map((name) => name.slice(0, 200)),
      anyHostileText.map((value) => value.slice(0, 256)),
      { minKeys: 1, maxKeys: 4, noNullPrototype: true },
    );
    fc.assert(
      fc.property(anyTags, (tags) => {
        const listed = [{ location: 'japaneast', tags }];
        const yaml = diffOf(listed, { action: 'remove', location: 'eastus' }).map(({ text }) => text);
        const { spec } = parse(yaml.join('\n')) as { spec: { regions: { tags: object }[] } };
        expect(Object.entries(spec.regions[0]?.tags ?? {})).to.have.deep.members(Object.entries(tags));
      }),
    );
  });

  it('is a command that removes no other region than the one shown', () => {
    expect(kubectlCommand(object, { action: 'remove', location: 'japaneast' })).to.contain(
      `'[{"op":"test","path":"/spec/regions/0/location","value":"Japan East"},{"op":"remove","path":"/spec/regions/0"}]'`,
    );
    expect(kubectlCommand(object, { action: 'remove', location: 'eastus' })).to.equal(undefined);
    expect(kubectlCommand(object, { action: 'add', location: 'japaneast' })).to.equal(undefined);
  });

  it('makes the list with its first region, and takes it away with the last one', () => {
    const [first] = object.listed;
    const followed = { ...object, follows: true, listed: [] };
    const adding = { action: 'add', location: 'eastus' } as const;
    expect(diffOf([], adding).map(({ kind }) => kind)).to.deep.equal(['same', 'added', 'added']);
    expect(kubectlCommand(followed, adding)).to.contain(
      `'[{"op":"test","path":"/metadata/generation","value":3},{"op":"add","path":"/spec/regions","value":[{"location":"eastus"}]}]'`,
    );
    const one = { ...followed, listed: first ? [first] : [] };
    const removing = { action: 'remove', location: 'japaneast' } as const;
    expect(diffOf(one.listed, removing).map(({ kind }) => kind)).to.deep.equal([
      'same',
      ...Array.from({ length: 4 }, () => 'removed'),
    ]);
    expect(kubectlCommand(one, removing)).to.contain(
      `'[{"op":"test","path":"/spec/regions","value":[{"location":"Japan East","tags":{"team":"web"}}]},{"op":"remove","path":"/spec/regions"}]'`,
    );
  });

  it('does not exist for the last region of an object that follows nothing', () => {
    const one = { ...object, listed: object.listed.slice(0, 1) };
    const change = { action: 'remove', location: 'japaneast' } as const;
    expect(isLastRegion(one, change)).to.equal(true);
    expect(kubectlCommand(one, change)).to.equal(undefined);
    expect(isLastRegion(object, change)).to.equal(false);
    expect(isLastRegion({ ...one, follows: true }, change)).to.equal(false);
  });

  it('is a command that the shell reads as it is meant, for the chosen cluster', async () => {
    const context = "it's $(mine)";
    const command = kubectlCommand(object, { action: 'add', location: 'eastus' }, ['--context', context]) ?? '';
    const { stdout } = await promisify(execFile)('sh', ['-c', `kubectl() { printf '%s\\n' "$@"; }; ${command}`]);
    const words = stdout.trimEnd().split('\n');
    expect(words.slice(0, 7)).to.deep.equal(['--context', context, '-n', 'registries', 'patch', 'georep', 'myacr0007']);
    expect(JSON.parse(words.at(-1) ?? '')).to.deep.equal([
      { op: 'add', path: '/spec/regions/-', value: { location: 'eastus' } },
    ]);
  });
});
