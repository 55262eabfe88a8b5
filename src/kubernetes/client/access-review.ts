// Authenticates a bearer token and authorizes its user with the API server (TokenReview and SubjectAccessReview).
// Results are not cached.
import { AuthenticationV1Api, AuthorizationV1Api, type V1UserInfo } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';

export interface AccessReview {
  /** The user of the token; undefined if the token is not valid. */
  userOf(token: string): Promise<V1UserInfo | undefined>;
  /** Whether the user may do this on `path`, a non-resource URL. */
  may(user: V1UserInfo, verb: 'get', path: string): Promise<boolean>;
}

/** Rejects as the cluster's methods do. Needs the right to create tokenreviews and subjectaccessreviews. */
export function accessReview(cluster: KubeClient): AccessReview {
  const authentication = cluster.api(AuthenticationV1Api);
  const authorization = cluster.api(AuthorizationV1Api);
  return {
    async userOf(token) {
      const { status } = await authentication.createTokenReview({ body: { spec: { token } } });
      return status?.authenticated ? status.user : undefined;
    },
    async may({ username, uid, groups, extra }, verb, path) {
      const user = { ...(username && { user: username }), ...(uid && { uid }) };
      const body = {
        spec: { ...user, ...(groups && { groups }), ...(extra && { extra }), nonResourceAttributes: { verb, path } },
      };
      const { status } = await authorization.createSubjectAccessReview({ body });
      // Without an opinion of any authorizer neither field is set: not allowed.
      return status?.allowed === true && !status.denied;
    },
  };
}
