import { mock } from 'node:test';
import { expect } from 'chai';
import { type Follower, NamingRecord } from '../../chaos/naming-record.ts';

const follower: Follower = { name: 'myacr0007', listed: ['japaneast'], sources: ['web', 'batch'], keepMs: 60_000 };

describe('the record of what sources named', () => {
  let record: NamingRecord;

  beforeEach(() => {
    mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    record = new NamingRecord({ learnMs: 3_000, noticeMs: 8_000 });
  });

  afterEach(() => mock.timers.reset());

  const later = (ms: number) => mock.timers.setTime(Date.now() + ms);
  const names = (source: string, ...locations: string[]) =>
    record.write(new Map([[source, new Set(locations)]]), async () => undefined);
  /** What is wrong with a deletion of this region now, without the time and the region. */
  const objection = (location: string, registry = follower.name) =>
    record
      .violations([{ registry, location, at: Date.now() }], [follower])[0]
      ?.replace(/^\S+ \S+: the deletion of \S+ /, '');

  it('allows the deletion of a region that no source ever named', () => {
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('forbids the deletion of a listed region, and in a registry without an object', () => {
    expect(objection('japaneast')).to.equal('ignores spec.regions');
    expect(objection('westeurope', 'other')).to.equal('belongs to no object');
  });

  it('forbids the deletion of a named region as soon as the operator must have learnt of it', async () => {
    await names('web', 'westeurope');
    later(2_999);
    expect(objection('westeurope')).to.equal(undefined);
    later(1);
    expect(objection('westeurope')).to.equal('ignores that web names it since 3000 ms');
    expect(record.named('web')).to.deep.equal(new Set(['westeurope']));
  });

  it('ignores what sources name that the object does not follow', async () => {
    await names('foreign', 'westeurope');
    later(10_000);
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('forbids the deletion within keepUnused after the last naming, and allows it then', async () => {
    await names('web', 'westeurope', 'uksouth');
    later(10_000);
    await names('web', 'uksouth');
    later(59_999);
    expect(objection('westeurope')).to.equal('ignores that web named it since 59999 ms, of 60000 ms');
    later(1);
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('does not count a naming that was too short for the operator to see', async () => {
    await names('web', 'westeurope', 'uksouth');
    later(2_999);
    await names('web', 'uksouth');
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('counts a naming from the start of a process on, which lists before it deletes', async () => {
    await names('web', 'westeurope');
    later(100);
    record.starts();
    expect(objection('westeurope')).to.equal('ignores that web names it since 100 ms');
  });

  it('gives the operator time after a watch that was lost has begun again', async () => {
    const begins = record.losesWatch('web');
    await names('web', 'westeurope');
    later(20_000);
    expect(objection('westeurope')).to.equal(undefined);
    begins();
    later(2_999);
    expect(objection('westeurope')).to.equal(undefined);
    later(1);
    expect(objection('westeurope')).to.match(/^ignores that web names it/);
  });

  it('forbids each deletion while a source cannot be read, once the operator must have noticed', () => {
    const ends = record.fails('batch');
    later(7_999);
    expect(objection('westeurope')).to.equal(undefined);
    later(1);
    expect(objection('westeurope')).to.equal('ignores that batch cannot be read since 8000 ms');
    ends();
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('gives the operator time to notice a failure after the API server was out of reach', () => {
    const reconnects = record.disconnects();
    record.fails('batch');
    later(20_000);
    expect(objection('westeurope')).to.equal(undefined);
    reconnects();
    later(8_000);
    expect(objection('westeurope')).to.match(/^ignores that batch cannot be read/);
  });

  it('forbids the deletion of what a source named last for as long as it names nothing', async () => {
    await names('web', 'westeurope');
    later(10_000);
    await names('web');
    later(1_000_000);
    expect(objection('westeurope')).to.equal('ignores that web names nothing since 1000000 ms, and named it last');
    await names('web', 'uksouth');
    expect(objection('westeurope')).to.equal(undefined);
  });

  it('ends a naming before the request that ends it, and begins one after its answer', async () => {
    const answered = async () => later(5_000);
    await record.write(new Map([['web', new Set(['westeurope', 'uksouth'])]]), answered);
    later(3_000);
    expect(objection('westeurope')).to.equal('ignores that web names it since 3000 ms');
    await record.write(new Map([['web', new Set(['uksouth'])]]), answered);
    expect(objection('westeurope')).to.equal('ignores that web named it since 5000 ms, of 60000 ms');
    expect(record.namings).to.equal(2);
  });
});
