import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  ApiServerUnreachable,
  asUnreachable,
  explain,
  isAlreadyExists,
  isConflict,
  isExpired,
  isFromApiServer,
  isMissing,
  isNotFound,
  isPatchRefused,
  ObjectChanged,
  retryAfterMs,
} from '../../../../src/kubernetes/client/errors.ts';

const answered = (code: number, body?: unknown, headers: Record<string, string> = {}) =>
  new ApiException(code, 'Unknown API Status Code!', body, headers);
const fetchFailed = (cause: Error) => new TypeError('fetch failed', { cause });
const refused = () => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
const server = 'https://10.0.0.1:443';

describe('an error of the API server', () => {
  it('is recognized by its code (trap 36)', () => {
    expect(isNotFound(answered(404))).to.equal(true);
    expect(isNotFound(answered(403))).to.equal(false);
    expect(isMissing(answered(404, '{"reason":"NotFound","details":{"name":"bear"}}'))).to.equal(true);
    expect(isMissing(answered(404, '{"reason":"NotFound","details":{}}'))).to.equal(false);
    expect(isMissing(answered(404, '404 page not found'))).to.equal(false);
    expect(isExpired(answered(410))).to.equal(true);
    expect([409, 422, 404].map((code) => isPatchRefused(answered(code)))).to.deep.equal([true, true, false]);
    expect([answered(500), new ApiServerUnreachable('no'), new Error('no')].map(isFromApiServer)).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect(isNotFound(Object.assign(new Error('of someone else'), { code: 404 }))).to.equal(false);
  });

  it('is a conflict when the object changed, not when it exists already', () => {
    expect(isAlreadyExists(answered(409, '{"reason":"AlreadyExists"}'))).to.equal(true);
    expect(isAlreadyExists(answered(409, '{"reason":"Conflict"}'))).to.equal(false);
    expect(isConflict(answered(409, '{"reason":"Conflict"}'))).to.equal(true);
    expect(isConflict(answered(409, '{"reason":"AlreadyExists"}'))).to.equal(false);
    expect(isConflict(new ObjectChanged('was made anew'))).to.equal(true);
  });

  it('has its Retry-After in ms', () => {
    expect(retryAfterMs(answered(429, '', { 'retry-after': '7' }))).to.equal(7000);
    expect(retryAfterMs(answered(503, ''))).to.equal(undefined);
    expect(retryAfterMs(answered(503, '', { 'retry-after': 'Sun, 22 Nov 2026 00:00:00 GMT' }))).to.equal(undefined);
    expect(retryAfterMs(new Error('no'))).to.equal(undefined);
  });

  it("is formatted in one line, with the server's message", () => {
    const status = { kind: 'Status', message: 'widgets is forbidden:\n  User "x" cannot list' };
    const words = 'the API server answered 403 Forbidden: widgets is forbidden: User "x" cannot list';
    expect(explain(answered(403, JSON.stringify(status)))).to.equal(words);
    expect(explain(answered(403, status))).to.equal(words);
    expect(explain(answered(502, '<html>bad gateway</html>'))).to.equal(
      'the API server answered 502 Bad Gateway: <html>bad gateway</html>',
    );
    expect(explain(answered(599))).to.equal('the API server answered 599');
    expect(explain(new Error('one\ntwo'))).to.equal('one two');
    expect(explain('just text')).to.equal('just text');
    expect(explain(new Error('x'.repeat(5000)))).to.have.length(500);
  });

  it('without a response is named by server and cause', () => {
    const words = (error: Error) => explain(asUnreachable(error, server));
    expect(words(fetchFailed(refused()))).to.equal(`the API server at ${server} cannot be reached (ECONNREFUSED)`);
    expect(words(fetchFailed(new AggregateError([refused(), refused()])))).to.equal(
      `the API server at ${server} cannot be reached (ECONNREFUSED)`,
    );
    expect(
      words(fetchFailed(Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))),
    ).to.equal(`the API server at ${server} cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate)`);
    expect(words(new DOMException('aborted', 'TimeoutError'))).to.equal(`the API server at ${server} does not answer`);
  });

  it('is unchanged if it is not a network error', () => {
    const credential = Object.assign(new Error('ENOENT: no such file, token'), { code: 'ENOENT' });
    const mistake = new TypeError('x is not a function');
    expect(asUnreachable(credential, server)).to.equal(credential);
    expect(asUnreachable(mistake, server)).to.equal(mistake);
    expect(asUnreachable('text', server)).to.equal('text');
  });
});
