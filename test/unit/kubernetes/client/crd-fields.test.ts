import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { type Definition, fieldsBeyond, knownFields } from '../../../../src/kubernetes/client/crd-fields.ts';
import { propertyRuns } from '../../../property-runs.ts';

const crd = parse(
  readFileSync(new URL('../../../../crds/registryreplications.yaml', import.meta.url), 'utf8'),
) as Definition;
const own = knownFields(crd, 'v1alpha1');

describe('the fields of a CRD', () => {
  it('are those of spec and status, with lists, and the values of enumerations', () => {
    const openAPIV3Schema = {
      properties: {
        kind: {},
        metadata: { properties: { name: {} } },
        spec: { properties: { parts: { items: { properties: { size: { enum: ['Small', 'Large'] } } } } } },
        status: { properties: { phase: {} } },
      },
    };
    const definition = { spec: { versions: [{ name: 'v1' }, { name: 'v2', schema: { openAPIV3Schema } }] } };
    expect(knownFields(definition, 'v2')).to.deep.equal([
      'spec',
      'spec.parts',
      'spec.parts[].size',
      'spec.parts[].size=Small',
      'spec.parts[].size=Large',
      'status',
      'status.phase',
    ]);
    expect(knownFields(definition, 'v1')).to.deep.equal([]);
    expect(knownFields(definition, 'v3')).to.deep.equal([]);
  });

  it('lack nothing when compared with themselves', () => {
    expect(own).to.include.members(['spec.regions[].tags', 'status.phase=Pruning', 'status.regions[].state']);
    expect(fieldsBeyond(own, own)).to.deep.equal([]);
  });

  it('name what is missing, and the parent alone where that is missing too', () => {
    fc.assert(
      fc.property(fc.subarray(own, { minLength: 1, maxLength: 5 }), (removed) => {
        const isBelow = (field: string, parent: string) =>
          ['.', '[', '='].some((mark) => field.startsWith(parent + mark));
        const rest = own.filter((field) => !removed.some((gone) => field === gone || isBelow(field, gone)));
        const outermost = removed.filter((field) => !removed.some((parent) => isBelow(field, parent)));
        expect(fieldsBeyond(own, rest)).to.deep.equal(outermost);
        expect(fieldsBeyond(rest, own)).to.deep.equal([]);
      }),
      propertyRuns(2_000),
    );
  });

  it('tell a field from one whose name begins with it', () => {
    expect(fieldsBeyond(['spec', 'spec.regions', 'spec.regionsFrom'], ['spec'])).to.deep.equal([
      'spec.regions',
      'spec.regionsFrom',
    ]);
  });
});
