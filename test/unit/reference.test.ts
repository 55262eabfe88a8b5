import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { withTables } from '../../scripts/generate-reference.ts';

const reference = readFileSync(new URL('../../docs/reference.md', import.meta.url), 'utf8');

describe('the reference', () => {
  it('has the fields of the CRD and the reasons, flags and metrics of the code (npm run generate)', () => {
    for (const name of ['spec', 'status', 'reasons', 'flags', 'metrics'])
      expect(reference).to.contain(`<!-- generated: ${name} -->`);
    expect(withTables(reference)).to.equal(reference);
  });

  it('would differ from a table that was edited by hand', () => {
    const edited = reference.replace('| `--concurrency` | 10 |', '| `--concurrency` | 11 |');
    expect(withTables(edited)).to.equal(reference).and.not.to.equal(edited);
  });
});
