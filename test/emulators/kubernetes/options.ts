// The options of a write: its query parameters, and the bodies of patches and deletions.
import type { IncomingMessage } from 'node:http';
import type { ApplyOptions } from './apply.ts';
import { isJsonObject, type Json } from './object.ts';
import { fromJson, fromYaml, mediaType, readBody } from './request.ts';
import type { Resource } from './resource.ts';
import { badRequest, fieldError, invalid, unsupportedMediaType } from './status.ts';
import type { DeleteOptions, Patch } from './writes.ts';

interface Source {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly warn: (message: string) => void;
}

export function writeOptions({ query, request, warn }: Source, kind: string): ApplyOptions {
  const refuse = (field: string, value: string, supported: string[]) =>
    invalid({ group: 'meta.k8s.io', kind }, '', [fieldError.notSupported(field, value, supported)]);
  const dryRun = query.get('dryRun') ?? '';
  if (dryRun !== '' && dryRun !== 'All') throw refuse('dryRun', dryRun, ['All']);
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (fieldValidation !== 'Ignore' && fieldValidation !== 'Warn' && fieldValidation !== 'Strict') {
    throw refuse('fieldValidation', fieldValidation, ['Ignore', 'Strict', 'Warn']);
  }
  const force = query.get('force') === 'true' || query.get('force') === '1';
  return { dryRun: dryRun === 'All', fieldValidation, warn, manager: managerOf({ query, request }), force };
}

/** A client without a fieldManager is known by the first part of its User-Agent. */
function managerOf({ query, request }: Pick<Source, 'query' | 'request'>): string {
  const agent = request.headers['user-agent']?.split('/')[0] ?? '';
  return query.get('fieldManager') || agent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 128) || 'unknown';
}

export function deleteOptions(body: Json, query: URLSearchParams): DeleteOptions & { dryRun: boolean } {
  if (!isJsonObject(body)) throw badRequest('the body of a deletion is no DeleteOptions');
  const kind = body.kind ?? 'DeleteOptions';
  if (kind !== 'DeleteOptions') throw badRequest(`no kind ${JSON.stringify(kind)} is registered for a deletion`);
  const policy = body.propagationPolicy ?? query.get('propagationPolicy') ?? 'Background';
  if (policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan') {
    const supported = ['Foreground', 'Background', 'Orphan', 'nil'];
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      fieldError.notSupported('propagationPolicy', policy, supported),
    ]);
  }
  const { uid, resourceVersion } = isJsonObject(body.preconditions) ? body.preconditions : {};
  return {
    dryRun: Array.isArray(body.dryRun) && body.dryRun.includes('All'),
    preconditions: {
      ...(typeof uid === 'string' && { uid }),
      ...(typeof resourceVersion === 'string' && { resourceVersion }),
    },
  };
}

const applyType = 'application/apply-patch+yaml';
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', applyType];
const strategicType = 'application/strategic-merge-patch+json';

/** A patch, or the configuration of a server-side apply. */
export async function readPatch(
  request: IncomingMessage,
  resource: Resource,
  query: URLSearchParams,
): Promise<Patch | { readonly type: 'apply'; readonly config: Json }> {
  const type = mediaType(request);
  const text = (await readBody(request)).toString('utf8');
  checkApplyOptions(type, query);
  switch (type) {
    case 'application/json-patch+json':
      return { type: 'json', patch: fromJson(text) };
    case 'application/merge-patch+json':
      return { type: 'merge', patch: fromJson(text) };
    case applyType:
      return { type: 'apply', config: fromYaml(text) };
    case strategicType:
      if (resource.origin === 'built-in') return { type: 'strategic', patch: fromJson(text) };
      throw unsupportedMediaType(patchTypes);
    default:
      throw unsupportedMediaType(resource.origin === 'built-in' ? [...patchTypes, strategicType] : patchTypes);
  }
}

/** Only server-side apply has the option force, and it needs a fieldManager. */
function checkApplyOptions(type: string, query: URLSearchParams): void {
  const errors =
    type === applyType
      ? query.get('fieldManager')
        ? []
        : [fieldError.required('fieldManager', 'is required for apply patch')]
      : query.has('force')
        ? [fieldError.forbidden('force', 'may not be specified for non-apply patch')]
        : [];
  if (errors.length) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors);
}
