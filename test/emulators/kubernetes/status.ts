// The API server's errors: an exception that carries a Status object, and a constructor per reason, with kube-apiserver's
// messages (compared with 1.20.2; where 1.33 differs, 1.33 is followed).
import type { Access } from '../../access.ts';
import type { Json, JsonObject } from './object.ts';

export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany';

/** One error of one field; `message` is without the field's path. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly message: string;
}

/** Go's %q and %v of the values in field errors. */
function goFormat(value: Json | undefined): string {
  if (value === undefined || value === null) return '"null"';
  if (typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

export const fieldError = {
  required: (field: string, detail = ''): FieldError => ({
    type: 'FieldValueRequired',
    field,
    message: detail ? `Required value: ${detail}` : 'Required value',
  }),
  invalid: (field: string, value: Json | undefined, detail: string): FieldError => ({
    type: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${goFormat(value)}: ${detail}`,
  }),
  wrongType: (field: string, actual: string, detail: string): FieldError => ({
    type: 'FieldValueTypeInvalid',
    field,
    message: `Invalid value: "${actual}": ${detail}`,
  }),
  notSupported: (field: string, value: Json | undefined, supported: readonly string[]): FieldError => ({
    type: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${goFormat(value)}: supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`,
  }),
  /** `value` in Go's format: list-map keys are Go maps there. */
  duplicate: (field: string, value: string): FieldError => ({
    type: 'FieldValueDuplicate',
    field,
    message: `Duplicate value: ${value}`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    type: 'FieldValueForbidden',
    field,
    message: `Forbidden: ${detail}`,
  }),
  tooLong: (field: string, limit: number): FieldError => ({
    type: 'FieldValueTooLong',
    field,
    message: `Too long: may not be more than ${limit} byte${limit === 1 ? '' : 's'}`,
  }),
  tooMany: (field: string, actual: number, limit: number): FieldError => ({
    type: 'FieldValueTooMany',
    field,
    message: `Too many: ${actual}: must have at most ${limit} items`,
  }),
} as const;

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: JsonObject;
  readonly code?: number;
}

/** Thrown by handlers; the server sends `status` with `status.code`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status & { readonly code: number };

  constructor(code: number, reason: string, message: string, details?: JsonObject, continueToken?: string) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: continueToken === undefined ? {} : { continue: continueToken },
      status: 'Failure',
      message,
      ...(reason && { reason }),
      ...(details && { details }),
      code,
    };
  }
}

const dotted = (name: string, group: string) => (group ? `${name}.${group}` : name);

function about({ group, plural }: GroupResource, name: string): JsonObject {
  return { name, ...(group && { group }), kind: plural };
}

export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized');

export const notFound = (resource: GroupResource, name: string) =>
  new ApiError(
    404,
    'NotFound',
    `${dotted(resource.plural, resource.group)} "${name}" not found`,
    about(resource, name),
  );

/** For a path that no resource serves. */
export const unknownPath = () => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: GroupResource, name: string) =>
  new ApiError(
    409,
    'AlreadyExists',
    `${dotted(resource.plural, resource.group)} "${name}" already exists`,
    about(resource, name),
  );

export const conflict = (resource: GroupResource, name: string, message: string) =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${dotted(resource.plural, resource.group)} "${name}": ${message}`,
    about(resource, name),
  );

export const modified = (resource: GroupResource, name: string) =>
  conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

export const forbidden = (resource: GroupResource, name: string, message: string, causes?: JsonObject[]) =>
  new ApiError(403, 'Forbidden', `${dotted(resource.plural, resource.group)} "${name}" is forbidden: ${message}`, {
    ...about(resource, name),
    ...(causes && { causes }),
  });

/** The authorizer's refusal. */
export function notPermitted(user: string, { verb, group, resource, namespace, name }: Access): ApiError {
  const [plural = ''] = resource.split('/');
  const subject = `${dotted(plural, group)}${name === undefined ? '' : ` ${JSON.stringify(name)}`}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const quoted = [user, resource, group].map((text) => JSON.stringify(text));
  return new ApiError(
    403,
    'Forbidden',
    `${subject} is forbidden: User ${quoted[0]} cannot ${verb} resource ${quoted[1]} in API group ${quoted[2]} ${where}`,
    { ...(name !== undefined && { name }), ...(group && { group }), kind: plural },
  );
}

export function invalid({ group, kind }: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  // kube-apiserver drops repeated messages, and uses brackets only around several.
  const sentences = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const all = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${dotted(kind, group)} "${name}" is invalid: ${all}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind,
    causes: errors.map(({ type, message, field }) => ({ reason: type, message, field })),
  });
}

export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);

export const internal = (message: string) => new ApiError(500, 'InternalError', message);

export const methodNotAllowed = (message = 'the server does not allow this method on the requested resource') =>
  new ApiError(405, 'MethodNotAllowed', message, {});

export const unsupportedMediaType = (accepted: readonly string[]) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const notAcceptable = (accepted: readonly string[]) =>
  new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

/** For a representation that the object does not have. */
export const notInThatForm = (message: string) => new ApiError(406, 'NotAcceptable', message);

export const tooLarge = (limit: number) =>
  new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

/** 410: the history before `oldest` was dropped. */
export const expired = (version: number, oldest: number) =>
  new ApiError(410, 'Expired', `too old resource version: ${version} (${oldest})`);

export const expiredContinue = (inconsistentToken: string) =>
  new ApiError(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
    undefined,
    inconsistentToken,
  );

export const versionTooLarge = (version: number, current: number) =>
  new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** The answer to a deletion that took effect at once. */
export const deleted = (resource: GroupResource, name: string, uid: string): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { ...about(resource, name), uid },
});
