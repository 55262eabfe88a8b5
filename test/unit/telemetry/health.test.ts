import { expect } from 'chai';
import type { InformerHealth } from '../../../src/kubernetes/cache/informer.ts';
import { healthChecks } from '../../../src/telemetry/health.ts';
import type { Checks } from '../../../src/telemetry/server.ts';
import { FakeClock } from '../../fake-clock.ts';

describe('the probes', () => {
  let clock: FakeClock;
  let longest: number;
  let informer: InformerHealth;
  let checks: Checks;

  beforeEach(() => {
    clock = new FakeClock();
    longest = 0;
    const watches = [{ namespace: undefined, state: { phase: 'Watching', since: clock.now() } } as const];
    informer = { synced: true, lastContact: clock.now(), relists: 0, watches };
    checks = healthChecks({ longestPass: () => longest, informer: () => informer, clock });
  });

  const backingOff = (error: Error): InformerHealth['watches'][number] => ({
    namespace: undefined,
    state: { phase: 'BackingOff', failures: 1, error, until: clock.now() },
  });

  const wrong = (group: keyof Checks) =>
    Object.fromEntries(
      Object.entries(checks[group])
        .map(([name, check]) => [name, check()])
        .filter(([, words]) => words),
    );

  it('pass for an operator that watches', () => {
    expect([wrong('live'), wrong('ready')]).to.deep.equal([{}, {}]);
  });

  it('report not ready before the objects are listed', () => {
    informer = { ...informer, synced: false, lastContact: undefined };
    expect(wrong('ready')).to.deep.equal({
      caches: 'the objects have not been listed yet',
      apiServer: 'the API server has not been reached yet',
    });
    expect(wrong('live')).to.deep.equal({});
  });

  it('report not ready, but alive, after 90 s without the API server: the operator retries', async () => {
    await clock.advance(90_000);
    expect(wrong('ready')).to.deep.equal({});
    for (let minute = 0; minute < 20; minute++) {
      await clock.advance(60_000);
      informer = { ...informer, watches: [backingOff(new Error('it does not answer'))] };
      expect(wrong('live')).to.deep.equal({});
    }
    expect(wrong('ready')).to.deep.equal({ apiServer: 'the API server was last reached 1290 s ago' });
    informer = { ...informer, lastContact: clock.now() };
    expect(wrong('ready')).to.deep.equal({});
  });

  it('report alive for an error that cannot be printed', () => {
    const error = new Error('no credential');
    Object.assign(error, { itself: error, size: 1n });
    informer = { ...informer, watches: [backingOff(error)] };
    expect(wrong('live')).to.deep.equal({});
  });

  it('report dead when a pass does not end', () => {
    longest = 300;
    expect(wrong('live')).to.deep.equal({});
    longest = 372;
    expect(wrong('live')).to.deep.equal({ passes: 'a pass has been running for 6 min' });
  });

  it('report dead when its watches show no activity any more', async () => {
    expect(wrong('live')).to.deep.equal({});
    await clock.advance(300_000);
    expect(wrong('live')).to.deep.equal({});
    await clock.advance(1);
    expect(wrong('live')).to.deep.equal({ informer: 'watching has stood still for 5 min' });
    informer = { ...informer, lastContact: clock.now() };
    expect(wrong('live')).to.deep.equal({});
  });
});
