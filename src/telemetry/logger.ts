// One JSON line per entry on stdout: ISO time, level as a word, errors cut short, secrets removed. It formats nothing for people.
import pino, { type DestinationStream, type Logger } from 'pino';
import { oneLine } from '../words.ts';

export type { Logger };

/** Characters of an error's message, and frames of its stack, that are worth a line. */
const mostMessage = 2_048;
const mostFrames = 5;

const secret = ['authorization', 'Authorization', 'token', 'accessToken', 'clientSecret', 'password'];

/** @param destination Tests pass their own; stdout otherwise, written synchronously, so that nothing is lost at an exit. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: shortError, err: shortError },
      redact: {
        paths: secret.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`, `headers.${name}`]),
        censor: '[removed]',
      },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

/** What was thrown, without the requests and responses that SDK errors carry; a stack only where the mistake may be ours. */
function shortError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? oneLine(error, mostMessage) : error;
  const { code, reason, statusCode } = error as { code?: unknown; reason?: unknown; statusCode?: unknown };
  const cause = error.cause instanceof Error ? oneLine(error.cause.message, mostMessage) : undefined;
  const message = oneLine(error.message, mostMessage);
  return {
    type: error.name,
    message,
    ...plain({ code, reason, statusCode }),
    ...(cause && !message.includes(cause) ? { cause } : {}),
    ...(isOurMistake(error) && error.stack ? { stack: framesOf(error.stack) } : {}),
  };
}

function plain(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => (typeof value === 'string' && value !== '') || typeof value === 'number',
    ),
  );
}

function isOurMistake(error: Error): boolean {
  return ['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError'].includes(error.name);
}

function framesOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  return frames
    .slice(0, mostFrames)
    .map((frame) => frame.trim())
    .join(' ');
}
