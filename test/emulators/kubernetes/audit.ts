// Describes a request in the terms of kube-apiserver's authorizer and audit log.
import type { Access } from '../../access.ts';
import type { ResourcePath } from './request.ts';

/** A request of a user whose requests are recorded. */
export interface AuditEntry extends Access {
  readonly user: string;
  /** Refused by the authorizer. */
  readonly isForbidden: boolean;
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/**
 * A list or watch selected by one name counts as one of that object, so that a role may grant it by resourceNames. A
 * namespace counts as being in itself, so that a Role in it may grant access to it.
 */
export function accessOf(method: string, path: ResourcePath, query: URLSearchParams): Access {
  const { group, plural, subresource } = path;
  const namespace = group === '' && plural === 'namespaces' ? path.name : path.namespace;
  const isRead = method === 'GET' || method === 'HEAD';
  const isWatch = isRead && ['true', '1'].includes(query.get('watch') ?? '');
  const isCollection = path.name === undefined;
  const read = isWatch ? 'watch' : isCollection ? 'list' : 'get';
  const write = method === 'DELETE' && isCollection ? 'deletecollection' : (verbs[method] ?? method.toLowerCase());
  const selected = /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  const name = path.name ?? (isRead ? selected : undefined);
  return {
    verb: isRead ? read : write,
    group,
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
}
