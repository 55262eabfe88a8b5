// Authenticates a bearer token and authorizes its user with the API server (TokenReview and SubjectAccessReview).
// Results are not cached.
import type { V1SubjectAccessReview, V1TokenReview, V1UserInfo } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { collectionPath } from './collection.ts';

export interface AccessReview {
  /** The user of the token; undefined if the token is not valid. */
  userOf(token: string): Promise<V1UserInfo | undefined>;
  /** Whether the user may do this on `path`, a non-resource URL. */
  may(user: V1UserInfo, verb: 'get', path: string): Promise<boolean>;
}

const tokenReviews = { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews' };
const accessReviews = { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' };

/** Rejects as the cluster's methods do. Needs the right to create tokenreviews and subjectaccessreviews. */
export function accessReview(cluster: KubeClient): AccessReview {
  return {
    async userOf(token) {
      const { status } = await cluster.sendJson<V1TokenReview>('POST', collectionPath(tokenReviews), {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token },
      });
      return status?.authenticated ? status.user : undefined;
    },
    async may({ username, uid, groups, extra }, verb, path) {
      const user = { ...(username && { user: username }), ...(uid && { uid }) };
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { ...user, ...(groups && { groups }), ...(extra && { extra }), nonResourceAttributes: { verb, path } },
      };
      const { status } = await cluster.sendJson<V1SubjectAccessReview>('POST', collectionPath(accessReviews), body);
      // Without an opinion of any authorizer neither field is set: not allowed.
      return status?.allowed === true && !status.denied;
    },
  };
}
