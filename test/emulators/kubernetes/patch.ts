// Applies the patch formats to stored objects, without validating the result.
import jsonPatch from 'fast-json-patch';
import { isJsonObject, type Json, type JsonObject } from './object.ts';
import { ApiError, badRequest } from './status.ts';

/** RFC 7396. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/**
 * Strategic merge for built-in types, as far as it equals a merge patch: directives (`$setElementOrder/…`,
 * `$retainKeys`, `$patch`) are dropped, and lists are replaced.
 */
export function strategicPatch(target: Json, patch: Json): Json {
  return mergePatch(target, withoutDirectives(patch));
}

function withoutDirectives(patch: Json): Json {
  if (Array.isArray(patch)) return patch.map(withoutDirectives);
  if (!isJsonObject(patch)) return patch;
  return Object.fromEntries(
    Object.entries(patch).flatMap(([key, value]) =>
      key.startsWith('$') || value === undefined ? [] : [[key, withoutDirectives(value)]],
    ),
  );
}

/** RFC 6902, `test` included. A patch that does not apply is a 422, as in the real API. */
export function applyJsonPatch(target: Json, patch: Json): Json {
  if (!Array.isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  }
  try {
    const document: Json = structuredClone(target);
    return jsonPatch.applyPatch(document, patch as unknown as jsonPatch.Operation[], true).newDocument;
  } catch (error) {
    if (!(error instanceof jsonPatch.JsonPatchError)) throw error;
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  }
}
