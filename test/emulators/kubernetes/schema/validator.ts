// Combines pruning, defaulting, validation and rules for one schema. metadata.ts validates metadata.
import { isJsonObject, type Json, type JsonObject } from '../object.ts';
import { type FieldError, fieldError } from '../status.ts';
import { compileRules } from './cel.ts';
import { withDefaults } from './defaults.ts';
import { listErrors } from './lists.ts';
import { prune } from './prune.ts';
import type { Schema } from './structural.ts';
import { compileSchema } from './validate.ts';

export interface Validator {
  /** Drops unknown fields; `unknown` has their paths, sorted. */
  prune(object: JsonObject): { pruned: JsonObject; unknown: string[] };
  withDefaults(object: JsonObject): JsonObject;
  /** Checks types and limits only, without rules and uniqueness. */
  validateSchema(object: JsonObject): FieldError[];
  /** Checks everything; `old` is the value that an update replaces. */
  validate(object: JsonObject, old?: JsonObject): FieldError[];
}

/** After these errors no rules run, since rules may rely on what is missing. */
const blocking: ReadonlySet<FieldError['type']> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const rulesNotChecked = fieldError.invalid(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

export function makeValidator(schema: Schema): Validator {
  const validateSchema = compileSchema(schema);
  const rules = compileRules(schema);
  return {
    prune(object) {
      const unknown: string[] = [];
      const pruned = asObject(prune(object, schema, '', unknown));
      return { pruned, unknown: unknown.sort() };
    },
    withDefaults: (object) => asObject(withDefaults(object, schema)),
    validateSchema,
    validate(object, old) {
      const errors = [...validateSchema(object), ...listErrors(object, schema)];
      if (!rules.any) return errors;
      if (errors.some(({ type }) => blocking.has(type))) return [...errors, rulesNotChecked];
      return [...errors, ...rules.check(object, old)];
    },
  };
}

function asObject(value: Json): JsonObject {
  if (!isJsonObject(value)) throw new Error('an object stays an object');
  return value;
}
