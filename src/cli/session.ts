// What a verb gets from its process: streams, the clock, and where to leave its exit code.
import type { WriteStream } from 'node:tty';
import { type Clock, systemClock } from '../lib/clock.ts';

/** The exit codes of every verb; docs/kubectl-georep.md explains them. */
export const exitCode = {
  /** Done, or nothing to do. */
  ok: 0,
  /** Wrong usage, a refusal of a server, or no answer. */
  error: 1,
  /** The answer to the question is "not yet": a plan with steps, or an object that is not Ready in time. */
  notYet: 2,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A terminal, a pipe or a file. */
export type Output = Pick<WriteStream, 'write'> & {
  readonly isTTY?: boolean;
  /** The size of a terminal. */
  readonly columns?: number;
  readonly rows?: number;
};

export interface Session {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  /** Set by the verb; `ok` unless it says otherwise. */
  exitCode: ExitCode;
}

/** An error that is told to the user in one line, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

export function processSession(): Session {
  return { stdout: process.stdout, stderr: process.stderr, clock: systemClock, exitCode: exitCode.ok };
}
