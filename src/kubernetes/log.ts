// What the runtime needs of a logger, which is what pino offers: fields first, then one sentence. It never formats.

type Write = (fields: object, sentence: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
