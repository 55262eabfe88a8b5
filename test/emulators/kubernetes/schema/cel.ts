// CEL rules (`x-kubernetes-validations`): compiled once per schema, evaluated with self and oldSelf. A rule that reads
// oldSelf runs only if there is an old value. Costs are not counted, and there is no validation ratcheting.
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { isJsonObject, type Json } from '../object.ts';
import { type FieldError, fieldError } from '../status.ts';
import { identity } from './lists.ts';
import { child, element, memberSchema, type Rule, type Schema } from './structural.ts';

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
})
  // Kubernetes' string functions that the CEL library lacks.
  .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  )
  .registerFunction(
    'string.replace(string, string, int): string',
    (text: string, from: string, to: string, limit: bigint) => replaceSome(text, from, to, Number(limit)),
  )
  .registerVariable('self', 'dyn')
  .registerVariable('oldSelf', 'dyn');

function replaceSome(text: string, from: string, to: string, limit: number): string {
  let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  return text.replaceAll(from, (match) => (left-- > 0 ? to : match));
}

interface CompiledRule {
  readonly rule: Rule;
  readonly isTransition: boolean;
  readonly evaluate: (scope: { self: unknown; oldSelf?: unknown }) => unknown;
  readonly messageExpression: ((scope: { self: unknown; oldSelf?: unknown }) => unknown) | undefined;
}

/** Checks a value against the rules of its schema; `old` is undefined for a new value. */
export type CheckRules = (value: Json, old: Json | undefined) => FieldError[];

export interface CompiledRules {
  readonly check: CheckRules;
  /** Whether there are any rules. */
  readonly any: boolean;
  /** Rules that do not compile, for the validation of the definition. */
  readonly errors: FieldError[];
}

export function compileRules(schema: Schema, definitionPath = ''): CompiledRules {
  const compiled = new Map<Schema, CompiledRule[]>();
  const errors: FieldError[] = [];
  compileInto(schema, definitionPath, compiled, errors);
  return { any: compiled.size > 0, errors, check: (value, old) => checkAll(value, old, schema, '', compiled) };
}

function compileInto(schema: Schema, path: string, into: Map<Schema, CompiledRule[]>, errors: FieldError[]): void {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index): CompiledRule[] => {
    try {
      const program = environment.parse(rule.rule);
      const checked = program.check();
      if (!checked.valid) throw checked.error;
      return [
        {
          rule,
          isTransition: mentions(program.ast, 'oldSelf'),
          evaluate: program,
          messageExpression:
            rule.messageExpression === undefined ? undefined : environment.parse(rule.messageExpression),
        },
      ];
    } catch (error) {
      const where = `${element(child(path, 'x-kubernetes-validations'), index)}.rule`;
      errors.push(fieldError.invalid(where, rule.rule, `compilation failed: ERROR: ${messageOf(error)}`));
      return [];
    }
  });
  if (rules.length) into.set(schema, rules);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    compileInto(property, `${child(path, 'properties')}[${name}]`, into, errors);
  }
  if (schema.items) compileInto(schema.items, child(path, 'items'), into, errors);
  if (typeof schema.additionalProperties === 'object') {
    compileInto(schema.additionalProperties, child(path, 'additionalProperties'), into, errors);
  }
}

function mentions(node: unknown, variable: string): boolean {
  if (Array.isArray(node)) return node.some((part) => mentions(part, variable));
  if (typeof node !== 'object' || node === null || !('op' in node)) return false;
  const { op, args } = node as ASTNode;
  return op === 'id' ? args === variable : mentions(args, variable);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

function checkAll(
  value: Json,
  old: Json | undefined,
  schema: Schema,
  path: string,
  compiled: Map<Schema, CompiledRule[]>,
): FieldError[] {
  if (value === null) return [];
  const errors = (compiled.get(schema) ?? []).flatMap((rule) => checkOne(rule, value, old ?? undefined, schema, path));
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return errors;
    const before = correlated(schema, old);
    return [
      ...errors,
      ...value.flatMap((item, index) => checkAll(item, before(item), items, element(path, index), compiled)),
    ];
  }
  if (!isJsonObject(value)) return errors;
  const oldObject = isJsonObject(old) && schema['x-kubernetes-map-type'] !== 'atomic' ? old : undefined;
  for (const [name, member] of Object.entries(value)) {
    const known = memberSchema(schema, name);
    if (!known || member === undefined) continue;
    // Names of map entries are keys, not fields: spec.tags[team].
    const at = schema.properties && Object.hasOwn(schema.properties, name) ? child(path, name) : `${path}[${name}]`;
    errors.push(...checkAll(member, oldObject?.[name], known, at, compiled));
  }
  return errors;
}

/** Finds an item's old value: only items of a list-map have one. */
function correlated(schema: Schema, old: Json | undefined): (item: Json) => Json | undefined {
  const identify = schema['x-kubernetes-list-type'] === 'map' ? identity(schema) : undefined;
  if (!identify || !Array.isArray(old)) return () => undefined;
  const before = new Map(old.map((item) => [identify(item), item]));
  return (item) => before.get(identify(item));
}

function checkOne(
  { rule, isTransition, evaluate, messageExpression }: CompiledRule,
  value: Json,
  old: Json | undefined,
  schema: Schema,
  path: string,
): FieldError[] {
  if (isTransition && (old === undefined || old === null)) return [];
  const scope = {
    self: celValue(value, schema),
    ...(isTransition && old !== undefined && { oldSelf: celValue(old, schema) }),
  };
  const type = schema.type ?? '';
  try {
    if (evaluate(scope) === true) return [];
  } catch (error) {
    return [fieldError.invalid(path, type, `${messageOf(error)} evaluating rule: ${rule.message ?? rule.rule}`)];
  }
  const where = rule.fieldPath ? `${path}${rule.fieldPath}` : path;
  const detail = messageFor(rule, messageExpression, scope);
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return [fieldError.forbidden(where, detail)];
    case 'FieldValueRequired':
      return [fieldError.required(where, detail)];
    case 'FieldValueDuplicate':
      return [fieldError.duplicate(where, JSON.stringify(type))];
    case 'FieldValueInvalid':
    case undefined:
      return [fieldError.invalid(where, type, detail)];
    default:
      throw new Error(`unknown reason ${rule.reason satisfies never}`);
  }
}

function messageFor(
  rule: Rule,
  messageExpression: CompiledRule['messageExpression'],
  scope: { self: unknown; oldSelf?: unknown },
): string {
  const otherwise = rule.message?.trim() ?? `failed rule: ${rule.rule.trim()}`;
  if (!messageExpression) return otherwise;
  try {
    const message = messageExpression(scope);
    return typeof message === 'string' && message.trim() ? message.trim() : otherwise;
  } catch {
    // As in kube-apiserver: a failing messageExpression falls back to the plain message.
    return otherwise;
  }
}

/** Converts JSON to CEL's types: integers become int, and dates timestamps. */
function celValue(value: Json, schema: Schema | undefined): unknown {
  if (typeof value === 'number') {
    const isInt = schema?.type === 'integer' || schema?.['x-kubernetes-int-or-string'] === true;
    return isInt && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === 'string') return schema?.format === 'date-time' ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      celValue(member ?? null, schema ? memberSchema(schema, name) : undefined),
    ]),
  );
}
