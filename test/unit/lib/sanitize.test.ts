import { expect } from 'chai';
import fc from 'fast-check';
import { sanitize } from '../../../src/lib/sanitize.ts';
import { propertyRuns } from '../../property-runs.ts';

describe('foreign text', () => {
  it('becomes one line', () => {
    expect(sanitize('one\r\n  two\tthree\u2028four', 100)).to.equal('one two three four');
  });

  it('loses characters that control a terminal or the reading direction', () => {
    expect(sanitize('a\u001b[31mb\u202ec\u0000d\u200be', 100)).to.equal('a [31mb c d e');
  });

  it('loses the signature of an operation URL and keeps its address (trap 29)', () => {
    const url =
      'https://management.azure.com/subscriptions/s/operationStatuses/replications-1?api-version=2025-11-01&t=639&c=MII&s=abc&h=def';
    expect(sanitize(`see ${url} for more`, 200)).to.equal(
      'see https://management.azure.com/subscriptions/s/operationStatuses/replications-1 for more',
    );
  });

  it('loses tokens and secrets', () => {
    const jwt = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(20)}`;
    const line = sanitize(`Bearer abc.def~1 and ${jwt} and client_secret=s3cr3t~x&sig=zzz`, 500);
    expect(line).to.equal('Bearer [removed] and [removed] and client_secret=[removed]&sig=[removed]');
  });

  for (const time of ['2026-11-28 03:19:05Z', '2026-11-28T03:19:05Z', '2026-11-28T03:19:05.593Z'])
    it(`loses what Entra changes at each attempt: ${time}`, () => {
      const trace =
        'Trace ID: 5a9e0f6e-0000-4000-8000-000000000001 Correlation ID: 5a9e0f6e-0000-4000-8000-000000000002';
      expect(sanitize(`AADSTS700016: unknown client. ${trace} timestamp: ${time}`, 200)).to.equal(
        'AADSTS700016: unknown client.',
      );
    });

  it('loses a token that stands alone', () => {
    expect(sanitize(`eyJ${'a'.repeat(20)}.${'b'.repeat(20)}`, 100)).to.equal('[removed]');
  });

  it('of one word becomes what it becomes beside other text', () => {
    const characters = fc.constantFrom(...'azAZ09_./-~'.split(''), 'eyJ', 'token', '8Q~', 'Bearer');
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 60 }), (word) => {
        expect(sanitize(word, 2_000)).to.equal(sanitize(`${word} !`, 2_000).slice(0, -2));
      }),
      propertyRuns(1_000, 1_000),
    );
  });

  it('is truncated between characters, with an ellipsis', () => {
    expect(sanitize('abcdef', 4)).to.equal('abc…');
    expect(sanitize('ab😀cd', 4)).to.equal('ab…');
    expect(sanitize('abcd', 4)).to.equal('abcd');
  });

  it('is sanitized quickly, even a megabyte of it', () => {
    expect(sanitize('https://x?'.repeat(100_000), 1_024).length).to.be.at.most(1_024);
  });

  it('never exceeds the bound, and is unchanged by a second pass', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 1, max: 100 }), (text, limit) => {
        const line = sanitize(text, limit);
        expect(line.length).to.be.at.most(limit);
        expect(line.isWellFormed()).to.equal(true);
        expect(sanitize(line, limit)).to.equal(line);
      }),
    );
  });
});
