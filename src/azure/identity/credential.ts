// The operator's own identity in Azure: whatever @azure/identity finds in the environment, without a cloud to ask about private
// authorities, and a check at the start that says in one sentence what is missing.
import type { TokenCredential } from '@azure/core-auth';
import { DefaultAzureCredential, type DefaultAzureCredentialOptions } from '@azure/identity';
import { ManagedIdentityApplication } from '@azure/msal-node';
import { type Cloud, scopeOf } from '../cloud.ts';
import { toArmError } from '../errors.ts';
import type { Credential } from './token-cache.ts';
import { createTokenHttpClient, followed } from './token-endpoint.ts';

/**
 * Reads @azure/identity's own variables (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_TOKEN_CREDENTIALS …)
 * from the process. `reset` drops the tokens that MSAL caches inside (to their end: 1 h, or 24 h of a managed identity).
 */
export function defaultCredential(cloud: Cloud): Credential {
  const create = () => followed(new DefaultAzureCredential(authorityOptions(cloud)));
  let credential = create();
  return {
    getToken: (scopes, options) => credential.getToken(scopes, options),
    reset() {
      // Tokens of managed identities are kept in the class, not in its instances (read in @azure/msal-node 7.2).
      Reflect.deleteProperty(ManagedIdentityApplication, 'nodeStorage');
      credential = create();
    },
  };
}

const httpClient = createTokenHttpClient();

/** How every credential asks the token authority. */
export function authorityOptions({ authority, knownAuthority }: Cloud): DefaultAzureCredentialOptions {
  return {
    httpClient,
    authorityHost: authority,
    disableInstanceDiscovery: !knownAuthority,
    // A pass that cannot get a token comes back by itself; it must not hang meanwhile.
    retryOptions: { maxRetries: 1, retryDelayInMs: 500, maxRetryDelayInMs: 2_000 },
  };
}

/** Resolves with one sentence when no token can be had, and with undefined when all is well. Never rejects. */
export async function checkCredential(credential: TokenCredential, cloud: Cloud): Promise<string | undefined> {
  try {
    await credential.getToken(scopeOf(cloud));
    return undefined;
  } catch (error) {
    return toArmError(error, `get a token from ${cloud.authority}`).message;
  }
}
