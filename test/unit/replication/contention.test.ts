import { expect } from 'chai';
import { Contention } from '../../../src/replication/contention.ts';

const start = Date.parse('2026-11-22T00:00:00Z');
const at = (hours: number) => new Date(start + hours * 3_600_000);
const rest = (contention: Contention, hours: number) => contention.restsUntil('uid', 'japaneast', at(hours));

describe('contention', () => {
  it('is no matter while something had to be put right twice within a day', () => {
    const contention = new Contention();
    contention.corrected('uid', 'japaneast', at(0));
    contention.corrected('uid', 'japaneast', at(1));
    expect(rest(contention, 1)).to.equal(undefined);
  });

  it('lets the region rest for an hour after the third time, and twice as long after each further one', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2]) contention.corrected('uid', 'japaneast', at(hours));
    expect(rest(contention, 2)).to.deep.equal(at(3));
    expect(rest(contention, 3)).to.equal(undefined);
    contention.corrected('uid', 'japaneast', at(4));
    expect(rest(contention, 4)).to.deep.equal(at(6));
  });

  it('forgets after a day', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 30]) contention.corrected('uid', 'japaneast', at(hours));
    expect(rest(contention, 30)).to.equal(undefined);
  });

  it('counts a pruned replica that returns, and not the first prune', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2]) contention.pruned('uid', 'japaneast', at(hours));
    expect(rest(contention, 2)).to.equal(undefined);
    contention.pruned('uid', 'japaneast', at(3));
    expect(rest(contention, 3)).to.deep.equal(at(4));
  });

  it('is a matter of one region of one object, and ends with it', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2]) contention.corrected('uid', 'japaneast', at(hours));
    expect(contention.restsUntil('uid', 'westeurope', at(2))).to.equal(undefined);
    expect(contention.restsUntil('other', 'japaneast', at(2))).to.equal(undefined);
    contention.forget('uid');
    expect(rest(contention, 2)).to.equal(undefined);
  });
});
