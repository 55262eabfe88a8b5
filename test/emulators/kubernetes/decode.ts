// Turns the body of a write into an object of the resource's kind.
import { isJsonObject, type Json, type JsonObject, type KubeObject, type ObjectMeta } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { type ApiError, badRequest, type FieldError, fieldError, invalid } from './status.ts';

export interface DecodeOptions {
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  readonly warn: (message: string) => void;
}

/** Prunes unknown fields, applies defaults, and checks that the object has the kind of the path. */
export function decode(
  { resource, namespace }: { readonly resource: Resource; readonly namespace: string | undefined },
  body: Json,
  options: DecodeOptions,
  refuse: (resource: Resource, sentence: string, body: Json) => ApiError,
): KubeObject {
  if (!isJsonObject(body)) throw badRequest(`the object provided is not a ${resource.kind}`);
  const apiVersion = apiVersionOf(resource);
  const completed = resource.origin === 'built-in' ? { apiVersion, kind: resource.kind, ...body } : body;
  if (!completed.kind) throw undecodable(resource, `Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  if (completed.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${completed.apiVersion ?? ''}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (completed.kind !== resource.kind) {
    const { group } = resource;
    const errors = [fieldError.invalid('kind', completed.kind, `must be ${resource.kind}`)];
    throw invalid({ group, kind: String(completed.kind) }, nameOf(completed), errors);
  }
  const { pruned, unknown } = resource.validator.prune({ ...completed, metadata: completed.metadata ?? {} });
  if (unknown.length && options.fieldValidation !== 'Ignore') {
    const sentences = unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
    if (options.fieldValidation === 'Strict') {
      throw refuse(resource, `strict decoding error: ${sentences.join(', ')}`, completed);
    }
    for (const sentence of sentences) options.warn(sentence);
  }
  const object = resource.validator.withDefaults(pruned);
  const wrong = typeErrors(resource, object)[0];
  if (wrong) throw refuse(resource, `${wrong.field}: ${wrong.message}`, completed);
  const metadata = object.metadata as ObjectMeta;
  if (metadata.namespace && metadata.namespace !== (namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, apiVersion, kind: resource.kind, metadata: { ...metadata, name: metadata.name ?? '' } };
}

function nameOf(object: JsonObject): string {
  return isJsonObject(object.metadata) && typeof object.metadata.name === 'string' ? object.metadata.name : '';
}

export const undecodable = ({ kind, version }: Resource, sentence: string) =>
  badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${sentence}`);

/** An error in a patched object quotes the whole object, as the real server does. */
export function invalidPatch(_resource: Resource, sentence: string, body: Json): ApiError {
  return invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', JSON.stringify(body), sentence)]);
}

/** The real server decodes metadata and built-in objects into Go structs, which cannot hold other types. */
function typeErrors(resource: Resource, object: JsonObject): FieldError[] {
  return resource.validator
    .validateSchema(object)
    .filter(
      ({ type, field, message }) =>
        (type === 'FieldValueTypeInvalid' || message.includes('in body must be of type')) &&
        (resource.origin === 'built-in' || field === 'metadata' || field.startsWith('metadata.')),
    );
}
