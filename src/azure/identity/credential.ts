// The operator's own credential, as @azure/identity finds it in the environment, and a check of it at startup.
import { readFile } from 'node:fs/promises';
import type { TokenCredential } from '@azure/core-auth';
import type { DefaultAzureCredentialOptions } from '@azure/identity';
import { readErrorMessage } from '../../lib/sanitize.ts';
import { type Cloud, scopeOf } from '../cloud.ts';
import { toArmError } from '../errors.ts';
import { TokenFileError } from './credential-errors.ts';
import type { Credential } from './token-cache.ts';
import { createTokenHttpClient, followed } from './token-endpoint.ts';

/**
 * The SDK's credential keeps an AbortController of each request for a token, some 1 kB, for as long as it lives (seen:
 * IdentityClient.abortControllers in @azure/identity 4.14.1). After so many tokens a new one takes its place.
 */
const maxTokens = 24;

/**
 * Reads @azure/identity's own variables (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_TOKEN_CREDENTIALS …)
 * from the process. Azure's SDK is loaded with the first token, so that the operator is ready sooner. `reset` drops MSAL's own cache of
 * tokens (until they expire: 1 h, or 24 h for a managed identity).
 */
export function defaultCredential(cloud: Cloud): Credential {
  const create = async () => {
    const { DefaultAzureCredential } = await import('@azure/identity');
    const { ManagedIdentityApplication } = await import('@azure/msal-node');
    // The class, not its instances, caches the tokens of managed identities (read in @azure/msal-node 7.2).
    Reflect.deleteProperty(ManagedIdentityApplication, 'nodeStorage');
    return followed(new DefaultAzureCredential(authorityOptions(cloud)));
  };
  let credential: Promise<TokenCredential> | undefined;
  let tokens = 0;
  return {
    async getToken(scopes, options) {
      if (++tokens > maxTokens) {
        credential = undefined;
        tokens = 1;
      }
      try {
        credential ??= create();
        return await (await credential).getToken(scopes, options);
      } catch (error) {
        throw (await tokenFileError(error)) ?? error;
      }
    },
    reset() {
      credential = undefined;
    },
  };
}

/** Node's words for an unreadable file, which @azure/identity passes on, do not always have its name. */
async function tokenFileError(cause: unknown): Promise<TokenFileError | undefined> {
  const file = process.env.AZURE_FEDERATED_TOKEN_FILE;
  try {
    if (file) await readFile(file);
    return undefined;
  } catch (error) {
    const words = `the token file ${file} of AZURE_FEDERATED_TOKEN_FILE cannot be read: ${readErrorMessage(error)}`;
    return new TokenFileError(words, { cause });
  }
}

const httpClient = createTokenHttpClient();

/** Options of every credential's token requests. */
export function authorityOptions({ authority, knownAuthority }: Cloud): DefaultAzureCredentialOptions {
  return {
    httpClient,
    authorityHost: authority,
    disableInstanceDiscovery: !knownAuthority,
    // A pass without a token is repeated by the operator; it must not hang.
    retryOptions: { maxRetries: 1, retryDelayInMs: 500, maxRetryDelayInMs: 2_000 },
  };
}

/** Resolves to one sentence if there is no token, else to undefined. Never rejects. */
export async function checkCredential(credential: TokenCredential, cloud: Cloud): Promise<string | undefined> {
  try {
    await credential.getToken(scopeOf(cloud));
    return undefined;
  } catch (error) {
    return toArmError(error, `get a token from ${cloud.authority}`).message;
  }
}
