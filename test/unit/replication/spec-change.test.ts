import { expect } from 'chai';
import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { normalise } from '../../../src/replication/location.ts';
import {
  changedSpec,
  type Edit,
  LastRegion,
  RegionNotListed,
  specChange,
} from '../../../src/replication/spec-change.ts';
import { anObject } from './fixtures.ts';

/** The object after the patch, as an API server applies it. */
function patched(object: RegistryReplication, edit: Edit): RegistryReplication {
  const operations = structuredClone(specChange(object.spec, edit).operations) as jsonPatch.Operation[];
  return jsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
}

const names = ['japaneast', 'Japan East', 'westeurope', 'uksouth', 'UK South', 'eastus2'];

describe('the edit of a spec', () => {
  it('adds each region once, in its short form, and none that is listed in another spelling', () => {
    const object = anObject({ regions: ['Japan East'] });
    const { fields, summary } = specChange(object.spec, {
      kind: 'add',
      locations: ['japaneast', 'UK South', 'uksouth'],
    });
    expect(summary).to.deep.equal(['+ uksouth']);
    expect(fields.regions).to.deep.equal([{ location: 'Japan East' }, { location: 'uksouth' }]);
  });

  it('changes nothing if the spec is as asked already', () => {
    const object = anObject({ regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    for (const edit of [
      { kind: 'add', locations: ['japaneast'] },
      { kind: 'route', location: 'japaneast', routing: 'Enabled' },
      { kind: 'suspend', suspend: false },
    ] as const)
      expect(specChange(object.spec, edit), edit.kind).to.deep.equal({ operations: [], fields: {}, summary: [] });
  });

  it('keeps what else is said of a region when it is routed', () => {
    const object = anObject({ regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    expect(patched(object, { kind: 'route', location: 'Japan East', routing: 'WhenReady' }).spec.regions).to.deep.equal(
      [{ location: 'japaneast', tags: { team: 'web' }, routing: 'WhenReady' }],
    );
  });

  it('names a region that is not listed', () => {
    expect(() => specChange(anObject().spec, { kind: 'remove', locations: ['uksouth'] })).to.throw(
      RegionNotListed,
      'uksouth',
    );
    expect(() => specChange(anObject().spec, { kind: 'route', location: 'uksouth', routing: 'Enabled' })).to.throw(
      RegionNotListed,
    );
  });

  it('makes the list with its first region, and takes it away with the last one', () => {
    const object = anObject({ regions: [], spec: { regionsFrom: [{ nodes: {} }] } });
    expect(object.spec).not.to.have.property('regions');
    const listing = patched(object, { kind: 'add', locations: ['uksouth', 'eastus2'] });
    expect(listing.spec.regions).to.deep.equal([{ location: 'uksouth' }, { location: 'eastus2' }]);
    const emptied = patched(listing, { kind: 'remove', locations: ['eastus2', 'UK South'] });
    expect(emptied.spec).to.deep.equal(object.spec);
  });

  it('refuses to remove the last region of an object that follows nothing', () => {
    expect(() => specChange(anObject().spec, { kind: 'remove', locations: ['japaneast'] })).to.throw(
      LastRegion,
      'list the home region alone if no other replicas are wanted',
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
    const regions = fc.uniqueArray(fc.constantFrom(...names), { selector: normalise });
    fc.assert(
      fc.property(regions, fc.boolean(), edits, (listed, follows, edit) => {
        const spec = follows || listed.length === 0 ? { regionsFrom: [{ nodes: {} }] } : {};
        const object = anObject({ regions: listed, spec });
        try {
          expect(patched(object, edit).spec).to.deep.equal(changedSpec(object.spec, specChange(object.spec, edit)));
        } catch (error) {
          if (!(error instanceof RegionNotListed || error instanceof LastRegion)) throw error;
        }
      }),
    );
  });
});
