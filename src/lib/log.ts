// The logger interface of the runtime, a subset of pino's: fields first, then one sentence.

type Write = (fields: object, sentence: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
