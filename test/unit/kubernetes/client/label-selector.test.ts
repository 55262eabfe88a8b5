import { expect } from 'chai';
import fc from 'fast-check';
import { matchesSelector, selectorProblem } from '../../../../src/kubernetes/client/label-selector.ts';
import { propertyRuns } from '../../../property-runs.ts';

describe('a label selector', () => {
  const labels = { pool: 'web', zone: '1' };
  const matches = (key: string, operator: string, ...values: string[]) =>
    matchesSelector({ matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }] }, labels);

  it('without requirements matches every object', () => {
    expect([matchesSelector({}, labels), matchesSelector({}), matchesSelector({ matchLabels: {} })]).to.deep.equal([
      true,
      true,
      true,
    ]);
  });

  it('matches labels by value', () => {
    expect(matchesSelector({ matchLabels: { pool: 'web', zone: '1' } }, labels)).to.equal(true);
    expect(matchesSelector({ matchLabels: { pool: 'web', zone: '2' } }, labels)).to.equal(false);
    expect(matchesSelector({ matchLabels: { gpu: '' } }, labels)).to.equal(false);
  });

  it('matches expressions; NotIn also matches an object without the label', () => {
    expect([matches('pool', 'In', 'web', 'db'), matches('pool', 'In', 'db'), matches('gpu', 'In', 'x')]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect([
      matches('pool', 'NotIn', 'web'),
      matches('pool', 'NotIn', 'db'),
      matches('gpu', 'NotIn', 'x'),
    ]).to.deep.equal([false, true, true]);
    expect([matches('pool', 'Exists'), matches('gpu', 'Exists')]).to.deep.equal([true, false]);
    expect([matches('pool', 'DoesNotExist'), matches('gpu', 'DoesNotExist')]).to.deep.equal([false, true]);
  });

  it('needs every requirement to be met', () => {
    const selector = { matchLabels: { pool: 'web' }, matchExpressions: [{ key: 'gpu', operator: 'Exists' }] };
    expect(matchesSelector(selector, labels)).to.equal(false);
    expect(matchesSelector(selector, { ...labels, gpu: 'yes' })).to.equal(true);
  });

  it('does not take the members of every JavaScript object for labels', () => {
    for (const key of ['constructor', 'toString', '__proto__']) {
      expect([matches(key, 'Exists'), matches(key, 'DoesNotExist')], key).to.deep.equal([false, true]);
    }
    const own = JSON.parse('{"__proto__": "x"}');
    expect(matchesSelector(JSON.parse('{"matchLabels": {"__proto__": "x"}}'), own)).to.equal(true);
  });

  it('that client-go refuses has a problem', () => {
    const problems = [
      ['Like', ['x']],
      ['In', []],
      ['NotIn', []],
      ['Exists', ['x']],
      ['DoesNotExist', ['x']],
    ] as const;
    for (const [operator, values] of problems) {
      const selector = { matchExpressions: [{ key: 'gpu', operator, values }] };
      expect(selectorProblem(selector), operator).to.match(new RegExp(`^selector: ${operator} of gpu `));
    }
    expect(selectorProblem({ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] })).to.equal(undefined);
  });

  it('and its negation never match the same labels, and one of them does', () => {
    const key = fc.constantFrom('a', 'b', 'constructor');
    const value = fc.constantFrom('', '1', '2');
    const anyLabels = fc.dictionary(key, value);
    const check = fc.property(key, fc.array(value, { minLength: 1 }), anyLabels, (key, values, labels) => {
      const holds = (operator: string, values?: string[]) =>
        matchesSelector({ matchExpressions: [{ key, operator, ...(values && { values }) }] }, labels);
      expect(holds('In', values)).to.equal(!holds('NotIn', values));
      expect(holds('Exists')).to.equal(!holds('DoesNotExist'));
    });
    fc.assert(check, propertyRuns(1_000));
  });
});
