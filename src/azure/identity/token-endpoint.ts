// Follows the requests that a credential sends to its token endpoint. The errors of MSAL do not say whether the endpoint refused
// or was in trouble: "endpoints_resolution_error" stands for a dead proxy, an untrusted certificate and a wrong tenant alike.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';
import type { Clock } from '../../lib/clock.ts';
import { errorMessage, sanitize } from '../../lib/sanitize.ts';
import { createHttpClient } from '../http-client.ts';

/** For one request. Two of them, the second a repetition of the first, fit into the time for one token. */
const requestTimeoutMs = 9_000;

/** There is no token because of trouble that passes; the message says where it was met. */
export class TokenEndpointError extends Error {
  override readonly name = 'TokenEndpointError';
}

/** What came of the requests of one `getToken`. MSAL keeps the client that it was given first, so the client cannot keep them. */
const outcomes = new AsyncLocalStorage<Outcome[]>();

/**
 * For the requests of credentials: with bounded times and bodies, and no connection kept. MSAL does not pass the abort signal of a
 * managed identity on.
 */
export function createTokenHttpClient(clock?: Clock): HttpClient {
  const http = createHttpClient({ keepAlive: false, timeoutMs: requestTimeoutMs, ...(clock && { clock }) });
  return {
    async sendRequest(request) {
      try {
        const response = await http.sendRequest(request);
        outcomes.getStore()?.push(outcomeOf(request, response));
        return response;
      } catch (error) {
        outcomes.getStore()?.push({ is: 'trouble', words: `${hostOf(request)} does not answer: ${reasonOf(error)}` });
        throw error;
      }
    },
  };
}

/** A credential that uses such a client. `getToken` rejects with a TokenEndpointError unless the endpoint itself refused. */
export function followed(credential: TokenCredential): TokenCredential {
  return {
    async getToken(scopes, options) {
      const own: Outcome[] = [];
      try {
        return await outcomes.run(own, () => credential.getToken(scopes, options));
      } catch (error) {
        const trouble = own.findLast((outcome) => outcome.is === 'trouble');
        if (!trouble || own.some(({ is }) => is === 'refusal')) throw error;
        throw new TokenEndpointError(trouble.words, { cause: error });
      }
    },
  };
}

type Outcome = { readonly is: 'answer' | 'refusal' } | { readonly is: 'trouble'; readonly words: string };

/** Statuses that say nothing about the identity. A metadata endpoint answers 404 and 410 while it starts (Microsoft's article on it). */
const passing = new Set([404, 408, 410, 429]);

/** Members of what a token endpoint or a tenant's metadata answer with. */
const expected = ['access_token', 'token_endpoint', 'tenant_discovery_endpoint'];

function outcomeOf(request: PipelineRequest, { status, bodyAsText }: PipelineResponse): Outcome {
  // @azure/identity asks without the header that is demanded, to see whether there is a metadata endpoint.
  if (/\/metadata\/identity\//.test(request.url) && !request.headers.has('metadata')) return { is: 'answer' };
  const body = parsed(bodyAsText);
  if (status < 300 && expected.some((member) => member in body)) return { is: 'answer' };
  // RFC 6749, section 5.2: a refusal has a text `error`.
  const isRefusal = status >= 400 && status < 500 && !passing.has(status) && typeof body.error === 'string';
  if (isRefusal) return { is: 'refusal' };
  const form = passing.has(status) || status >= 500 ? '' : ', not in the form of a token endpoint';
  return { is: 'trouble', words: `${hostOf(request)} answers HTTP ${status}${form}` };
}

function parsed(body: string | null | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function hostOf({ url }: PipelineRequest): string {
  return new URL(url).host;
}

/** Of a certificate that is not trusted, with what to do. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = sanitize(errorMessage(error), 256);
  return /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code)
    ? `${words} (${code}); name a private CA with NODE_EXTRA_CA_CERTS`
    : words;
}
