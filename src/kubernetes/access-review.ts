// Asks the API server who holds a token and what he may read, as servers beside it do that keep no users of their own
// (TokenReview and SubjectAccessReview). It remembers nothing.
import { AuthenticationV1Api, AuthorizationV1Api, type V1UserInfo } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';

export interface AccessReview {
  /** Whose token it is; undefined: nobody's. */
  userOf(token: string): Promise<V1UserInfo | undefined>;
  /** Whether the user may do this with what is served under `path`, which is no resource of the API. */
  may(user: V1UserInfo, verb: 'get', path: string): Promise<boolean>;
}

/** Each method rejects as the cluster's do; it needs the right to create tokenreviews and subjectaccessreviews. */
export function accessReview(cluster: Cluster): AccessReview {
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
      // A server whose authorizer has no opinion says neither; that is no right.
      return status?.allowed === true && !status.denied;
    },
  };
}
