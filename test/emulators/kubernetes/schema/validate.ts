// Validates values against a structural schema with ajv, and reports errors in kube-apiserver's words, which are
// go-openapi's (`spec.x in body should match '…'`).
import { Ajv, type ErrorObject } from 'ajv';
import ajvFormats from 'ajv-formats';
import { isJsonObject, type Json } from '../object.ts';
import { type FieldError, fieldError } from '../status.ts';
import { child, element, type Schema } from './structural.ts';

export type Validate = (value: Json) => FieldError[];

/** Formats that only define how a value is represented. */
const unchecked = ['int32', 'int64', 'float', 'double', 'password', 'quantity'];

export function compileSchema(schema: Schema): Validate {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, validateFormats: true, logger: false });
  ajvFormats.default(ajv, ['byte', 'date-time', 'date', 'uuid', 'uri', 'email', 'ipv4', 'ipv6', 'hostname']);
  for (const format of unchecked) ajv.addFormat(format, true);
  // metav1.MicroTime, which kube-apiserver accepts in exactly this layout (recorded).
  ajv.addFormat('micro-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/);
  const validate = ajv.compile(forAjv(schema));
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).flatMap((error) => fieldErrors(error, value));
  };
}

/** Translates OpenAPI v3 to ajv: int-or-string is a union, exclusive bounds are numbers, extensions are dropped. */
function forAjv(schema: Schema): Record<string, unknown> {
  const translated: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword.startsWith('x-kubernetes-') || keyword === 'default' || keyword === 'description') continue;
    if (keyword === 'exclusiveMinimum' || keyword === 'exclusiveMaximum') continue;
    translated[keyword] = value;
  }
  if (schema.exclusiveMinimum && schema.minimum !== undefined) {
    translated.exclusiveMinimum = schema.minimum;
    delete translated.minimum;
  }
  if (schema.exclusiveMaximum && schema.maximum !== undefined) {
    translated.exclusiveMaximum = schema.maximum;
    delete translated.maximum;
  }
  if (schema['x-kubernetes-int-or-string']) translated.type = ['integer', 'string'];
  if (schema.nullable && translated.type === undefined) delete translated.nullable;
  if (schema.properties) {
    translated.properties = Object.fromEntries(Object.entries(schema.properties).map(([k, v]) => [k, forAjv(v)]));
  }
  if (schema.items) translated.items = forAjv(schema.items);
  if (typeof schema.additionalProperties === 'object') {
    translated.additionalProperties = forAjv(schema.additionalProperties);
  }
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (schema[keyword]) translated[keyword] = schema[keyword].map(forAjv);
  }
  if (schema.not) translated.not = forAjv(schema.not);
  return translated;
}

/** `/spec/regions/0/location` as `spec.regions[0].location`; the value tells which tokens are indices. */
function fieldPath(pointer: string, root: Json): string {
  let path = '';
  let at: Json | undefined = root;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) {
      path = element(path, Number(name));
      at = at[Number(name)];
    } else {
      path = child(path, name);
      at = isJsonObject(at) ? at[name] : undefined;
    }
  }
  return path;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fieldErrors(error: ErrorObject, root: Json): FieldError[] {
  const path = fieldPath(error.instancePath, root);
  const data = error.data as Json;
  const limit: number = error.params.limit;
  const bad = (what: string, shown: Json = data) => [fieldError.invalid(path, shown, `${path} in body ${what}`)];
  switch (error.keyword) {
    case 'required':
      return [fieldError.required(child(path, error.params.missingProperty))];
    case 'type': {
      const wanted = String(error.params.type).replace(',null', '');
      const actual = typeName(data);
      return [fieldError.wrongType(path, actual, `${path} in body must be of type ${wanted}: "${actual}"`)];
    }
    case 'enum': {
      const allowed: Json[] = error.params.allowedValues;
      return [
        fieldError.notSupported(
          path,
          data,
          allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
        ),
      ];
    }
    case 'pattern':
      return bad(`should match '${error.params.pattern}'`);
    case 'format':
      return bad(`must be of type ${error.params.format}: ${JSON.stringify(data)}`);
    case 'minLength':
      return bad(`should be at least ${limit} chars long`);
    case 'maxLength':
      return [fieldError.tooLong(path, limit)];
    case 'minItems':
      return bad(`should have at least ${limit} items`, Array.isArray(data) ? data.length : 0);
    case 'maxItems':
      return [fieldError.tooMany(path, Array.isArray(data) ? data.length : 0, limit)];
    case 'minProperties':
      return bad(`should have at least ${limit} properties`);
    case 'maxProperties':
      return [fieldError.tooMany(path, isJsonObject(data) ? Object.keys(data).length : 0, limit)];
    case 'minimum':
      return bad(`should be greater than or equal to ${limit}`);
    case 'exclusiveMinimum':
      return bad(`should be greater than ${limit}`);
    case 'maximum':
      return bad(`should be less than or equal to ${limit}`);
    case 'exclusiveMaximum':
      return bad(`should be less than ${limit}`);
    case 'multipleOf':
      return bad(`should be a multiple of ${error.params.multipleOf}`);
    case 'uniqueItems':
      return bad("shouldn't contain duplicates");
    case 'anyOf':
      return [fieldError.invalid(path, '', `"${path}" must validate at least one schema (anyOf)`)];
    case 'oneOf':
      return [fieldError.invalid(path, '', `"${path}" must validate one and only one schema (oneOf)`)];
    case 'not':
      return [fieldError.invalid(path, '', `"${path}" must not validate the schema (not)`)];
    default:
      return bad(error.message ?? `is not valid (${error.keyword})`);
  }
}
