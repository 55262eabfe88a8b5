// The logger interface of the runtime, a subset of pino's: fields first, then one sentence.

type Write = (fields: object, sentence: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

const nothing = () => undefined;

/** For a program whose user is told otherwise. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
