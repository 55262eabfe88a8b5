import { expect } from 'chai';
import { Contention } from '../../../src/replication/contention.ts';

const start = Date.parse('2026-11-22T00:00:00Z');
const at = (hours: number) => new Date(start + hours * 3_600_000);
const pausedUntil = (contention: Contention, hours: number) => contention.pausedUntil('uid', 'japaneast', at(hours));

describe('contention', () => {
  it('does not pause a region whose replica was recreated once within a day', () => {
    const contention = new Contention();
    contention.recordCorrection('uid', 'japaneast', 'create', at(0));
    expect(pausedUntil(contention, 0)).to.equal(undefined);
  });

  it('pauses a region for an hour after its second recreation, and twice as long after each further one', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'create', at(hours));
    expect(pausedUntil(contention, 1)).to.deep.equal(at(2));
    expect(pausedUntil(contention, 2)).to.equal(undefined);
    contention.recordCorrection('uid', 'japaneast', 'create', at(3));
    expect(pausedUntil(contention, 3)).to.deep.equal(at(5));
  });

  it('pauses a region after three corrections of routing or tags', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(pausedUntil(contention, 1)).to.equal(undefined);
    contention.recordCorrection('uid', 'japaneast', 'update', at(2));
    expect(pausedUntil(contention, 2)).to.deep.equal(at(3));
  });

  it('counts recreations and updates separately', () => {
    const contention = new Contention();
    contention.recordCorrection('uid', 'japaneast', 'create', at(0));
    for (const hours of [0, 1]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(pausedUntil(contention, 1)).to.equal(undefined);
  });

  it('forgets a correction after a day', () => {
    const contention = new Contention();
    for (const hours of [0, 30]) contention.recordCorrection('uid', 'japaneast', 'create', at(hours));
    expect(pausedUntil(contention, 30)).to.equal(undefined);
  });

  it('counts a pruned replica that reappears, but not the first prune', () => {
    const contention = new Contention();
    for (const hours of [0, 1]) contention.recordPrune('uid', 'japaneast', at(hours));
    expect(pausedUntil(contention, 1)).to.equal(undefined);
    contention.recordPrune('uid', 'japaneast', at(2));
    expect(pausedUntil(contention, 2)).to.deep.equal(at(3));
  });

  it('does not count a pruned replica that the object itself creates again', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2, 3]) {
      contention.recordPrune('uid', 'japaneast', at(hours));
      contention.recordCreation('uid', 'japaneast');
    }
    expect(pausedUntil(contention, 3)).to.equal(undefined);
  });

  it('pauses one region of one object, until the object is forgotten', () => {
    const contention = new Contention();
    for (const hours of [0, 1, 2]) contention.recordCorrection('uid', 'japaneast', 'update', at(hours));
    expect(contention.pausedUntil('uid', 'westeurope', at(2))).to.equal(undefined);
    expect(contention.pausedUntil('other', 'japaneast', at(2))).to.equal(undefined);
    contention.forget('uid');
    expect(pausedUntil(contention, 2)).to.equal(undefined);
  });
});
