// Writes one line per entry to stdout, as JSON or pretty: with an ISO time, the level as a word, shortened errors, and without
// secrets and terminal control.
import pino, { type DestinationStream, type LevelWithSilent, type Logger } from 'pino';
import { isSecretName } from '../lib/redact.ts';
import { sanitize } from '../lib/sanitize.ts';
import { toSourcePositions } from '../lib/source-position.ts';

export type { Logger };

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  readonly format?: 'json' | 'pretty';
  /** Default: stdout, written synchronously so that nothing is lost on exit. */
  readonly destination?: DestinationStream;
}

/** Limits for an error's message in characters and its stack in frames. */
const maxMessageLength = 2_048;
const maxFrames = 5;
/** The maximal depth of objects in fields. */
const maxDepth = 4;

export function createLogger({ level, format = 'json', destination }: LoggerOptions): Logger {
  const out = destination ?? stdout();
  const pretty = { write: (line: string) => void out.write(prettyLine(line)) };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod([fields, sentence], log) {
          const words = sanitize(String(sentence ?? ''), maxMessageLength);
          log.apply(this, [presentable(fields, words, maxDepth), words]);
        },
      },
    },
    format === 'pretty' ? pretty : out,
  );
}

/**
 * Changes the level at run time, since a restart might make the problem disappear: toggles between the configured level and debug; if the configured level is debug, between debug and
 * info.
 */
export function toggleDebug(log: Logger, asked: string): void {
  const other = asked === 'debug' || asked === 'trace' ? 'info' : 'debug';
  const next = log.level === asked ? other : asked;
  // Logged whatever the old or the new level.
  log.level = 'info';
  log.info({}, `The log level is ${next} from now on`);
  log.level = next;
}

/** Without a log the operator must not run: when stdout cannot be written, it prints one line to stderr and exits with 1. */
function stdout(): DestinationStream {
  const out = pino.destination({ dest: 1, sync: true });
  out.on('error', (error: Error) => {
    process.stderr.write(
      `The log cannot be written to stdout, so the operator ends: ${sanitize(error.message, maxMessageLength)}\n`,
    );
    process.exit(1);
  });
  return out;
}

/** The value in a form fit for the log, without repeating the line's message. */
function presentable(value: unknown, sentence: string, depth: number): unknown {
  if (typeof value === 'string') return sanitize(value, maxMessageLength);
  if (value instanceof Error) return shortError(value, sentence);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.map((each) => presentable(each, sentence, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      isSecretName(name) ? '[removed]' : presentable(each, sentence, depth - 1),
    ]),
  );
}

/** An error without the requests and responses that SDK errors carry; a stack only for unexpected errors. */
function shortError(error: Error, sentence: string): unknown {
  const { code, reason, statusCode } = error as { code?: unknown; reason?: unknown; statusCode?: unknown };
  const cause = error.cause instanceof Error ? sanitize(error.cause.message, maxMessageLength) : undefined;
  const message = sanitize(error.message, maxMessageLength);
  return {
    type: error.name,
    ...(sentence.includes(message) ? {} : { message }),
    ...plain({ code, reason, statusCode }),
    ...(cause && !message.includes(cause) ? { cause } : {}),
    ...(isOurMistake(error) && error.stack ? { stack: framesOf(error.stack) } : {}),
  };
}

function plain(members: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(members).flatMap(([name, value]) => {
    if (typeof value === 'number') return [[name, value]];
    return typeof value === 'string' && value !== '' ? [[name, sanitize(value, maxMessageLength)]] : [];
  });
  return Object.fromEntries(kept);
}

function isOurMistake(error: Error): boolean {
  return ['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError'].includes(error.name);
}

function framesOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  const shown = frames.slice(0, maxFrames).map((frame) => frame.trim());
  return toSourcePositions(shown.join(' '));
}

interface Entry {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** Formats a JSON line for reading: time, level, object, message, then the other fields. Terminal control is removed already. */
function prettyLine(line: string): string {
  const { time, level, msg = '', object, ...fields } = JSON.parse(line) as Entry;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return `${[time, level.toUpperCase().padEnd(5), ...(object ? [`[${object}]`] : []), msg, ...rest].join(' ')}\n`;
}

/** Quoted only if it would be ambiguous otherwise. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
