// Declares the members of a JSON object once; types, validation and documentation are derived from the declaration.

/** The input is not valid; the message is for its sender. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
}

export interface Field<T> {
  readonly meaning: string;
  /** Throws InvalidInput that says what the value must be; the caller prepends the member's name. */
  readonly read: (value: unknown) => T;
}

export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The object that `F` describes. */
export type Values<F> = {
  readonly [K in keyof F as F[K] extends OptionalField<unknown> ? never : K]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends OptionalField<unknown> ? K : never]?: ValueOf<F[K]>;
};

export function optional<T>(field: Field<T>): OptionalField<T> {
  return { ...field, optional: true };
}

/** A number from `min` to `max`. */
export function numeric(meaning: string, min = 0, max = Number.MAX_SAFE_INTEGER): Field<number> {
  return field(meaning, `a number from ${min} to ${max}`, (value) => {
    return typeof value === 'number' && value >= min && value <= max ? value : undefined;
  });
}

export function text(meaning: string): Field<string> {
  return field(meaning, 'a text that is not empty', (value) => {
    return typeof value === 'string' && value !== '' ? value : undefined;
  });
}

export function boolean(meaning: string): Field<boolean> {
  return field(meaning, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
}

export function oneOf<const T extends string>(meaning: string, words: readonly T[]): Field<T> {
  return field(meaning, `one of ${words.join(', ')}`, (value) => words.find((word) => word === value));
}

export function listOf<const T extends string>(meaning: string, words: readonly T[]): Field<readonly T[]> {
  return field(meaning, `a list of some of ${words.join(', ')}`, (value) => {
    return Array.isArray(value) && value.length > 0 && value.every((word) => words.includes(word))
      ? (value as readonly T[])
      : undefined;
  });
}

export function textList(meaning: string): Field<readonly string[]> {
  return field(meaning, 'a list of texts', (value) => {
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  });
}

export function textMap(meaning: string): Field<Readonly<Record<string, string>>> {
  return field(meaning, 'an object whose values are texts', (value) => {
    return isObject(value) && Object.values(value).every((each) => typeof each === 'string')
      ? (value as Readonly<Record<string, string>>)
      : undefined;
  });
}

/** Throws InvalidInput for a member that is not declared. */
export function readFields<const F extends Fields>(fields: F, json: unknown): Values<F> {
  if (!isObject(json)) throw new InvalidInput('It must be a JSON object.');
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    throw new InvalidInput(`There is no member "${unknown}" here; there are ${Object.keys(fields).join(', ')}.`);
  }
  const entries = Object.entries(fields).flatMap(([name, { read, ...rest }]) => {
    if (json[name] === undefined && 'optional' in rest) return [];
    try {
      return [[name, read(json[name])] as const];
    } catch (error) {
      throw error instanceof InvalidInput ? new InvalidInput(`"${name}" ${error.message}`) : error;
    }
  });
  return Object.fromEntries(entries) as Values<F>;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field<T>(meaning: string, expected: string, accept: (value: unknown) => T | undefined): Field<T> {
  const read = (value: unknown): T => {
    const accepted = accept(value);
    if (accepted === undefined) throw new InvalidInput(`must be ${expected}.`);
    return accepted;
  };
  return { meaning, read };
}
