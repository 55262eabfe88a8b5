// Answers TokenReviews and SubjectAccessReviews, with which other servers authenticate and authorize their clients. Only
// rights to non-resource paths are known.
import { isJsonObject, type Json, type JsonObject } from './object.ts';
import type { ResourcePath } from './request.ts';
import { badRequest, methodNotAllowed } from './status.ts';

export interface Directory {
  /** Users by token. */
  readonly users: ReadonlyMap<string, string>;
  mayGet(user: string, path: string): boolean;
}

const kinds: Readonly<Record<string, string>> = {
  'authentication.k8s.io/v1/tokenreviews': 'TokenReview',
  'authorization.k8s.io/v1/subjectaccessreviews': 'SubjectAccessReview',
};

/** The kind of review that is created under this path; undefined for other paths. */
export function reviewKindAt({ group, version, plural, namespace, name }: ResourcePath): string | undefined {
  return namespace === undefined && name === undefined ? kinds[`${group}/${version}/${plural}`] : undefined;
}

export function review(kind: string, method: string | undefined, body: Json | undefined, directory: Directory): Json {
  if (method !== 'POST') throw methodNotAllowed();
  const spec = isJsonObject(body) && isJsonObject(body.spec) ? body.spec : undefined;
  if (!isJsonObject(body) || !spec) throw badRequest(`${kind} has no spec`);
  const status = kind === 'TokenReview' ? reviewToken(spec, directory) : reviewAccess(spec, directory);
  const { apiVersion = kind === 'TokenReview' ? 'authentication.k8s.io/v1' : 'authorization.k8s.io/v1' } = body;
  return { apiVersion, kind, metadata: { creationTimestamp: null }, spec, status };
}

function reviewToken({ token }: JsonObject, { users }: Directory): JsonObject {
  const username = users.get(String(token));
  if (username === undefined) return { user: {}, error: '[invalid bearer token, token lookup failed]' };
  const [, namespace] = /^system:serviceaccount:([^:]+):/.exec(username) ?? [];
  const accounts = namespace ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [];
  return { authenticated: true, user: { username, groups: [...accounts, 'system:authenticated'] } };
}

function reviewAccess({ user, nonResourceAttributes: asked }: JsonObject, { mayGet }: Directory): JsonObject {
  const allowed = isJsonObject(asked) && asked.verb === 'get' && mayGet(String(user), String(asked.path));
  return allowed ? { allowed } : { allowed, reason: '' };
}
