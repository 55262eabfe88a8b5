import type { V1UserInfo } from '@kubernetes/client-node';
import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { AccessReview } from '../../../src/kubernetes/client/access-review.ts';
import { ApiServerUnreachable } from '../../../src/kubernetes/client/errors.ts';
import { type Guard, scrapeGuard } from '../../../src/telemetry/metrics-auth.ts';
import { FakeClock } from '../../fake-clock.ts';
import { LogJournal } from '../kubernetes/journal.ts';

describe('the authorization of a metrics client', () => {
  let clock: FakeClock;
  let log: LogJournal;
  /** The requests to the API server, in order. */
  let asked: string[];
  let users: Map<string, V1UserInfo>;
  let readers: Set<string>;
  let trouble: Error | undefined;
  let guard: Guard;

  beforeEach(() => {
    clock = new FakeClock();
    log = new LogJournal();
    asked = [];
    users = new Map([
      ['scraper', { username: 'prometheus', groups: ['monitoring'] }],
      ['stranger', { username: 'stranger\u001b[2J' }],
    ]);
    readers = new Set(['prometheus']);
    trouble = undefined;
    const reviews: AccessReview = {
      async userOf(token) {
        asked.push(`who is ${token}`);
        if (trouble) throw trouble;
        return users.get(token);
      },
      async may({ username = '' }, verb, path) {
        asked.push(`may ${username} ${verb} ${path}`);
        return readers.has(username);
      },
    };
    guard = scrapeGuard({ reviews, clock, log });
  });

  const status = async (header: string | undefined) => (await guard(header)).status;

  it('accepts a user who is authenticated by the API server and may get /metrics', async () => {
    expect(await guard('Bearer scraper')).to.deep.equal({ status: 200 });
    expect(asked).to.deep.equal(['who is scraper', 'may prometheus get /metrics']);
  });

  it('refuses a request without a bearer token, and sends nothing to the API server', async () => {
    for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic c2NyYXBlcjo=', 'scraper', 'Bearer two words'])
      expect(await status(header), header).to.equal(401);
    expect(asked).to.deep.equal([]);
  });

  it('refuses a user that the API server does not know', async () => {
    expect(await status('Bearer nonsense')).to.equal(401);
    expect(asked).to.deep.equal(['who is nonsense']);
  });

  it('refuses a user without the right, by name', async () => {
    expect(await guard('Bearer stranger')).to.deep.equal({
      status: 403,
      words: 'Forbidden: user "stranger [2J" may not get path "/metrics"',
    });
  });

  it('is cached for a minute, so that scrapes cost no requests; a refusal for ten seconds', async () => {
    for (let scrape = 1; scrape <= 3; scrape++) await guard('Bearer scraper');
    expect(asked).to.have.length(2);
    await clock.advance(59_999);
    expect(await status('Bearer scraper')).to.equal(200);
    expect(asked).to.have.length(2);
    readers.clear();
    await clock.advance(1);
    expect(await status('Bearer scraper')).to.equal(403);
    readers.add('prometheus');
    await clock.advance(9_999);
    expect(await status('Bearer scraper')).to.equal(403);
    await clock.advance(1);
    expect(await status('Bearer scraper')).to.equal(200);
  });

  it('costs one request to the API server for simultaneous requests with one token', async () => {
    await Promise.all([guard('Bearer scraper'), guard('bearer scraper'), guard('Bearer scraper')]);
    expect(asked).to.have.length(2);
  });

  it('is requested for at most 16 tokens at a time, and further tokens are refused', async () => {
    const flood = Array.from({ length: 40 }, (_, token) => status(`Bearer t${token}`));
    const answers = await Promise.all(flood);
    expect(answers.filter((answer) => answer === 401)).to.have.length(16);
    expect(answers.filter((answer) => answer === 503)).to.have.length(24);
    expect(await status('Bearer scraper')).to.equal(200);
    expect(log.all).to.deep.equal([]);
  });

  it('is cached for at most 256 tokens, those used last', async () => {
    await guard('Bearer scraper');
    for (let token = 1; token <= 255; token++) await guard(`Bearer t${token}`);
    await guard('Bearer scraper');
    await guard('Bearer t256');
    asked = [];
    await guard('Bearer scraper');
    expect(asked).to.deep.equal([]);
    await guard('Bearer t1');
    expect(asked).to.deep.equal(['who is t1']);
  });

  it('is unknown while the API server is unavailable: 503, one line however many requests, and one at its end', async () => {
    trouble = new ApiServerUnreachable('the API server at https://10.0.0.1 cannot be reached (ECONNREFUSED)');
    for (const token of ['scraper', 'scraper', 'stranger']) expect(await status(`Bearer ${token}`)).to.equal(503);
    expect(log.all.map(({ level, sentence }) => `${level}: ${sentence}`)).to.deep.equal([
      'warn: Requests for metrics cannot be authorized: the API server at https://10.0.0.1 cannot be reached (ECONNREFUSED)',
    ]);
    trouble = undefined;
    expect(await status('Bearer scraper')).to.equal(200);
    expect(log.all.at(-1)).to.include({ level: 'info', sentence: 'Requests for metrics can be authorized again' });
  });

  it('is unknown if the operator may not review tokens: 500, and the log names the missing rights', async () => {
    trouble = new ApiException(403, '', { message: 'tokenreviews is forbidden' }, {});
    expect(await status('Bearer scraper')).to.equal(500);
    expect(log.all.map(({ sentence }) => sentence)).to.deep.equal([
      'Requests for metrics cannot be authorized: Give the operator the ClusterRole of deploy/base/metrics-role.yaml (the API server answered 403 Forbidden: tokenreviews is forbidden)',
    ]);
  });

  it('is never logged with the token', async () => {
    trouble = new Error('POST {"spec":{"token":"scraper-token-1"}} failed');
    await guard('Bearer scraper-token-1');
    await guard('Bearer stranger');
    expect(JSON.stringify(log.all)).not.to.contain('scraper-token-1');
  });
});
