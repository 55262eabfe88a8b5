import { expect } from 'chai';
import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { type Edit, NotListed, specChange } from '../../../src/cli/spec-change.ts';
import { normalise } from '../../../src/replication/location.ts';
import { anObject } from '../replication/fixtures.ts';

/** The object after the patch, as an API server applies it. */
function patched(object: RegistryReplication, edit: Edit): RegistryReplication {
  const operations = structuredClone(specChange(object, edit).operations) as jsonPatch.Operation[];
  return jsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
}

const names = ['japaneast', 'Japan East', 'westeurope', 'uksouth', 'UK South', 'eastus2'];

describe('the edit of a spec', () => {
  it('tests the uid and the generation that it is based on', () => {
    const { operations } = specChange(anObject({ generation: 7 }), { kind: 'add', locations: ['uksouth'] });
    expect(operations.slice(0, 2)).to.deep.equal([
      { op: 'test', path: '/metadata/uid', value: 'c0ffee' },
      { op: 'test', path: '/metadata/generation', value: 7 },
    ]);
  });

  it('adds each region once, in its short form, and none that is listed in another spelling', () => {
    const object = anObject({ regions: ['Japan East'] });
    const { after, words } = specChange(object, { kind: 'add', locations: ['japaneast', 'UK South', 'uksouth'] });
    expect(words).to.deep.equal(['+ uksouth']);
    expect(after.spec.regions).to.deep.equal([{ location: 'Japan East' }, { location: 'uksouth' }]);
  });

  it('is without words if the spec is as asked already', () => {
    const object = anObject({ regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    for (const edit of [
      { kind: 'add', locations: ['japaneast'] },
      { kind: 'route', location: 'japaneast', routing: 'Enabled' },
      { kind: 'suspend', suspend: false },
    ] as const)
      expect(specChange(object, edit).words, edit.kind).to.deep.equal([]);
  });

  it('keeps what else is said of a region when it is routed', () => {
    const object = anObject({ regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    expect(patched(object, { kind: 'route', location: 'Japan East', routing: 'WhenReady' }).spec.regions).to.deep.equal(
      [{ location: 'japaneast', tags: { team: 'web' }, routing: 'WhenReady' }],
    );
  });

  it('names a region that is not listed', () => {
    expect(() => specChange(anObject(), { kind: 'remove', locations: ['uksouth'] })).to.throw(NotListed, 'uksouth');
    expect(() => specChange(anObject(), { kind: 'route', location: 'uksouth', routing: 'Enabled' })).to.throw(
      NotListed,
    );
  });

  it('is the same as a patch and as the object after it', () => {
    const locations = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 });
    const edits = fc.oneof(
      locations.map((some) => ({ kind: 'add' as const, locations: some })),
      locations.map((some) => ({ kind: 'remove' as const, locations: some })),
      fc.constantFrom(...names).map((location) => ({ kind: 'route' as const, location, routing: 'Disabled' as const })),
      fc.boolean().map((suspend) => ({ kind: 'suspend' as const, suspend })),
    );
    const regions = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, selector: normalise });
    fc.assert(
      fc.property(regions, edits, (listed, edit) => {
        const object = anObject({ regions: listed });
        try {
          expect(patched(object, edit)).to.deep.equal(specChange(object, edit).after);
        } catch (error) {
          if (!(error instanceof NotListed)) throw error;
        }
      }),
    );
  });
});
