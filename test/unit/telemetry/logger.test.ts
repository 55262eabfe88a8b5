import { RestError } from '@azure/core-rest-pipeline';
import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { createLogger, type Logger, toggleDebug } from '../../../src/telemetry/logger.ts';

describe('the logger', () => {
  let lines: string[];
  let log: Logger;

  beforeEach(() => {
    lines = [];
    log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  });

  const only = () => {
    expect(lines).to.have.length(1);
    return JSON.parse(lines[0] ?? '');
  };

  it('writes one JSON line with an ISO time and the level as a word, without the host', () => {
    log.info({ object: 'registries/myacr0007' }, 'Ready');
    const { time, ...rest } = only();
    expect(new Date(time).toISOString()).to.equal(time);
    expect(rest).to.deep.equal({ level: 'info', object: 'registries/myacr0007', msg: 'Ready' });
  });

  it('drops lines below its level', () => {
    log.debug({}, 'detail');
    expect(lines).to.deep.equal([]);
  });

  it('writes an expected error with its cause and without a stack', () => {
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

  it('adds the top of the stack for an unexpected error', () => {
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

  it('removes credentials from the usual places', () => {
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

  it("does not repeat the line's message as the error's message", () => {
    const error = Object.assign(new RestError('cannot serve metrics on :8080'), { name: 'BindError' });
    log.fatal({ error }, error.message);
    const { msg, error: logged } = only();
    expect(msg).to.equal('cannot serve metrics on :8080');
    expect(logged).to.deep.equal({ type: 'BindError' });
  });

  const hostile = 'a\n{"level":"fatal"}\r\u001b[2J\u009b31m\u202eb\u2066c\u2028d\u0000 <script>alert(1)</script>';
  const harmless = 'a {"level":"fatal"} [2J 31m b c d <script>alert(1)</script>';

  it('removes terminal control from foreign names, messages and errors, at any depth', () => {
    const error = new ArmError('Invalid', 'InvalidRequest', hostile, { code: hostile, cause: new Error(hostile) });
    log.info({ object: hostile, error, list: [hostile], deep: { deeper: hostile } }, hostile);
    const { msg, object, error: logged, list, deep } = only();
    expect([msg, object, logged.code, ...list, deep.deeper]).to.deep.equal(Array(5).fill(harmless));
    expect(lines[0]).to.match(/^[\x20-\x7e]+\n$/);
  });

  it('truncates a megabyte to some kilobytes, in any field', () => {
    const megabyte = 'x'.repeat(1_000_000);
    log.info({ object: megabyte, error: new Error(megabyte, { cause: new Error(`y${megabyte}`) }) }, megabyte);
    expect(lines[0]?.length).to.be.below(12_000);
  });

  it('terminates for circular values', () => {
    const loop: Record<string, unknown> = {};
    loop.itself = loop;
    log.info({ loop }, 'round');
    expect(only().loop).to.deep.equal({ itself: { itself: { itself: '…' } } });
  });

  describe('in the pretty format', () => {
    beforeEach(() => {
      log = createLogger({ level: 'debug', format: 'pretty', destination: { write: (line) => void lines.push(line) } });
    });

    it('writes time, level, subject, message, and the other fields', () => {
      log.warn({ object: 'registries/myacr0007', region: 'japaneast', durationMs: 812 }, 'Azure is slow');
      expect(lines.join('')).to.match(
        /^\d{4}-\d\d-\d\dT[\d:.]{12}Z WARN {2}\[registries\/myacr0007\] Azure is slow region=japaneast durationMs=812\n$/,
      );
    });

    it('quotes ambiguous values, and shows nested ones as JSON', () => {
      log.info({ region: 'a b', error: new ArmError('Denied', 'Locked', 'A lock') }, 'Stopped');
      expect(lines.join('')).to.contain(
        ' INFO  Stopped region="a b" error={"type":"ArmError","message":"A lock","reason":"Locked"}',
      );
    });

    it('writes one line, whatever its content', () => {
      log.info({ object: hostile, region: hostile }, hostile);
      expect(lines.join('')).to.match(/^[\x20-\x7e]+\n$/);
    });
  });

  describe('whose level is toggled', () => {
    const sayAll = () => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({}, level);
    };
    const said = () => lines.splice(0).map((line) => JSON.parse(line).msg);

    it('logs details until it is toggled again, and announces both', () => {
      log.level = 'error';
      toggleDebug(log, 'error');
      sayAll();
      toggleDebug(log, 'error');
      sayAll();
      expect(said()).to.deep.equal([
        'The log level is debug from now on',
        ...['debug', 'info', 'warn', 'error'],
        'The log level is error from now on',
        'error',
      ]);
    });

    it('suppresses details until it is toggled again, if the configured level is debug', () => {
      log.level = 'debug';
      toggleDebug(log, 'debug');
      sayAll();
      toggleDebug(log, 'debug');
      sayAll();
      expect(said()).to.deep.equal([
        'The log level is info from now on',
        ...['info', 'warn', 'error'],
        'The log level is debug from now on',
        ...['debug', 'info', 'warn', 'error'],
      ]);
    });
  });
});
