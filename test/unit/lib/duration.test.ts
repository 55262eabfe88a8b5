import { expect } from 'chai';
import fc from 'fast-check';
import { durationPattern, formatDuration, parseDuration } from '../../../src/lib/duration.ts';

describe('durations', () => {
  for (const [text, ms] of [
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['2.5s', 2_500],
    ['2.3s', 2_300],
    ['250ms', 250],
    ['1m1m', 120_000],
    ['0s', 0],
    ['0.4ms', 0],
  ] as const) {
    it(`reads ${text} as ${ms} ms`, () => expect(parseDuration(text)).to.equal(ms));
  }

  for (const text of ['', '10', '0', '-1m', '1d', '1.h', '.5h', '1h ', ' 1h', '1H', '1h\n', `${'9'.repeat(30)}h`]) {
    it(`does not accept ${JSON.stringify(text)} as a duration`, () => expect(parseDuration(text)).to.equal(undefined));
  }

  for (const [ms, text] of [
    [5_400_000, '1h30m'],
    [600_000, '10m'],
    [2_500, '2.5s'],
    [250, '250ms'],
    [0, '0s'],
    [-3, '0s'],
    [259_200_000, '72h'],
    [3_600_500, '1h0.5s'],
  ] as const) {
    it(`formats ${ms} ms as ${text}`, () => expect(formatDuration(ms)).to.equal(text));
  }

  it('parses what it formats, for every whole millisecond', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  it('accepts exactly what the CEL rule of spec.interval allows', () => {
    const amount = fc.tuple(fc.nat(9_999), fc.option(fc.nat(999))).map(([a, b]) => (b === null ? `${a}` : `${a}.${b}`));
    const part = fc.tuple(amount, fc.constantFrom('ms', 's', 'm', 'h')).map((p) => p.join(''));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.join('');
        expect(durationPattern.test(text)).to.equal(true);
        expect(parseDuration(text)).to.be.at.least(0);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'0123456789.hms ') }),
        (text) => (parseDuration(text) !== undefined) === durationPattern.test(text),
      ),
    );
  });
});
