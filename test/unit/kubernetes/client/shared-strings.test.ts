import { expect } from 'chai';
import fc from 'fast-check';
import { stringSharer } from '../../../../src/kubernetes/client/shared-strings.ts';

describe('sharing strings', () => {
  it('leaves every JSON value deeply equal to what it was, with the same order of fields', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('australiaeast', 'every listed region is ready', 'x'.repeat(300)),
    );
    const value = fc.jsonValue({ stringUnit: 'grapheme' });
    const share = stringSharer();
    fc.assert(
      fc.property(fc.array(fc.tuple(text, value)), (values) => {
        const json = JSON.stringify(values);
        const parsed = JSON.parse(json);
        const shared = share(parsed);
        expect(shared).to.equal(parsed);
        expect(shared).to.deep.equal(JSON.parse(json));
        expect(JSON.stringify(shared)).to.equal(json);
      }),
    );
  });

  it('leaves a field named __proto__ what it was', () => {
    const share = stringSharer();
    const parsed = share(JSON.parse('{"__proto__": {"message": "every listed region is ready"}, "a": "b"}'));
    expect(Object.keys(parsed)).to.deep.equal(['__proto__', 'a']);
    expect(Object.getPrototypeOf(parsed)).to.equal(Object.prototype);
  });
});
