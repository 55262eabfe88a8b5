import { expect } from 'chai';
import { Contention } from '../../../src/replication/contention.ts';

const start = Date.parse('2026-11-22T00:00:00Z');
const at = (hours: number) => new Date(start + hours * 3_600_000);
const rest = (contention: Contention, hours: number) => contention.pausedUntil('uid', 'japaneast', at(hours));

describe('contention', () => {
  it('is no matter when a replica had to be made again once within a day', () => {
    const contention = new Contention();
    contention.recordCorrection('uid', 'japaneast', 'create', at(0));
    expect(rest(contention, 0)).to.equal(undefined);
  });

  it('lets the region rest when its replica could vanish a third time: an hour, and twice as long after each further one', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'create', at(hours));
    expect(rest(contention, 1)).to.deep.equal(at(2));
    expect(rest(contention, 2)).to.equal(undefined);
    contention.recordCorrection('uid', 'japaneast', 'create', at(3));
    expect(rest(contention, 3)).to.deep.equal(at(5));
  });

  it('lets routing and tags be put right three times', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(rest(contention, 1)).to.equal(undefined);
    contention.recordCorrection('uid', 'japaneast', 'update', at(2));
    expect(rest(contention, 2)).to.deep.equal(at(3));
  });

  it('counts what vanished and what was changed apart', () => {
    const contention = new Contention();
    contention.recordCorrection('uid', 'japaneast', 'create', at(0));
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(rest(contention, 1)).to.equal(undefined);
  });

  it('forgets after a day', () => {
    const contention = new Contention();
    for (const hours of [0, 30]) contention.recordCorrection('uid', 'japaneast', 'create', at(hours));
    expect(rest(contention, 30)).to.equal(undefined);
  });

  it('counts a pruned replica that returns, and not the first prune', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordPrune('uid', 'japaneast', at(hours));
    expect(rest(contention, 1)).to.equal(undefined);
    contention.recordPrune('uid', 'japaneast', at(2));
    expect(rest(contention, 2)).to.deep.equal(at(3));
  });

  it('is a matter of one region of one object, and ends with it', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(contention.pausedUntil('uid', 'westeurope', at(2))).to.equal(undefined);
    expect(contention.pausedUntil('other', 'japaneast', at(2))).to.equal(undefined);
    contention.forget('uid');
    expect(rest(contention, 2)).to.equal(undefined);
  });
});
