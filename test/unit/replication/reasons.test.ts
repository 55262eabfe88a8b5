import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { reasonsTable } from '../../../src/replication/reasons.ts';

describe('the reasons of conditions', () => {
  it("are all in the reference's table, verbatim", () => {
    expect(readFileSync(new URL('../../../docs/reference.md', import.meta.url), 'utf8')).to.contain(reasonsTable());
  });
});
