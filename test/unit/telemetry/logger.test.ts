import { RestError } from '@azure/core-rest-pipeline';
import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { createLogger, type Logger } from '../../../src/telemetry/logger.ts';

describe('the logger', () => {
  let lines: string[];
  let log: Logger;

  beforeEach(() => {
    lines = [];
    log = createLogger('info', { write: (line) => void lines.push(line) });
  });

  const only = () => {
    expect(lines).to.have.length(1);
    return JSON.parse(lines[0] ?? '');
  };

  it('writes one JSON line with an ISO time and the level as a word, and nothing about the host', () => {
    log.info({ object: 'registries/myacr0007' }, 'Ready');
    const { time, ...rest } = only();
    expect(new Date(time).toISOString()).to.equal(time);
    expect(rest).to.deep.equal({ level: 'info', object: 'registries/myacr0007', msg: 'Ready' });
  });

  it('keeps below its level quiet', () => {
    log.debug({}, 'detail');
    expect(lines).to.deep.equal([]);
  });

  it('says of an expected error what it is and why, without a stack', () => {
    const cause = new RestError('socket hang up', { code: 'ECONNRESET' });
    log.warn({ error: new ArmError('Denied', 'Locked', 'A lock', { code: 'ScopeLocked', cause }) }, 'refused');
    expect(only().error).to.deep.equal({
      type: 'ArmError',
      message: 'A lock',
      code: 'ScopeLocked',
      reason: 'Locked',
      cause: 'socket hang up',
    });
  });

  it('adds the top of the stack where the mistake may be ours', () => {
    log.error({ error: new TypeError('x is undefined') }, 'failed');
    const { type, stack } = only().error;
    expect(type).to.equal('TypeError');
    expect(stack).to.match(/^at .*logger\.test\.ts/);
    expect(stack.split(' at ').length).to.be.at.most(5);
  });

  it('keeps a hostile message on one bounded line', () => {
    log.error({ error: new ArmError('Invalid', 'InvalidRequest', `a\n\u001b[31m${'x'.repeat(1_000_000)}`) }, 'refused');
    expect(only().error.message).to.match(/^a \[31mx+…$/);
    expect(lines[0]?.length).to.be.below(4_000);
  });

  it('removes credentials wherever they usually stand', () => {
    const authorization = 'Bearer abc';
    log.info(
      {
        authorization,
        headers: { authorization },
        request: { headers: { Authorization: authorization } },
        token: 'abc',
      },
      'sent',
    );
    log.info({ error: new Error('got Bearer abc') }, 'sent');
    expect(lines.join('')).not.to.contain('abc');
  });
});
