// Records the outcome of a credential's requests to its token endpoint. MSAL's errors do not tell a refusal from an outage:
// "endpoints_resolution_error" means a dead proxy, an untrusted certificate or a wrong tenant.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';
import { withCertificateRemedy } from '../../lib/certificate-remedy.ts';
import type { Clock } from '../../lib/clock.ts';
import { errorMessage, sanitize } from '../../lib/sanitize.ts';
import { createHttpClient } from '../http-client.ts';
import { codeOf, proxyErrorCode } from '../rest-error.ts';

/** For one request. A request and its repetition fit into the timeout of one token. */
const requestTimeoutMs = 9_000;

/** There is no token because of a temporary failure; the message names the host. */
export class TokenEndpointError extends Error {
  override readonly name = 'TokenEndpointError';
  /** Of the network or the HTTP client; empty if there is none. */
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Outcomes of the requests of one `getToken`. MSAL keeps the first HTTP client for all, so the client cannot store them. */
const outcomes = new AsyncLocalStorage<Outcome[]>();

/**
 * For credentials: bounds time and size, and keeps no connection open. MSAL does not pass on the abort signal of a managed
 * identity.
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
        outcomes.getStore()?.push(troubleOf(request, error));
        throw error;
      }
    },
  };
}

/** Wraps a credential with such a client: `getToken` rejects with a TokenEndpointError unless the endpoint refused. */
export function followed(credential: TokenCredential): TokenCredential {
  return {
    async getToken(scopes, options) {
      const own: Outcome[] = [];
      try {
        return await outcomes.run(own, () => credential.getToken(scopes, options));
      } catch (error) {
        const trouble = own.findLast((outcome) => outcome.is === 'trouble');
        if (!trouble || own.some(({ is }) => is === 'refusal')) throw error;
        throw new TokenEndpointError(trouble.words, trouble.code, error);
      }
    },
  };
}

type Outcome = { readonly is: 'answer' | 'refusal' } | Trouble;

interface Trouble {
  readonly is: 'trouble';
  readonly words: string;
  readonly code: string;
}

/** A proxy's error names the host itself. */
function troubleOf(request: PipelineRequest, error: unknown): Trouble {
  const code = codeOf(error);
  const reason = withCertificateRemedy(error, sanitize(errorMessage(error), 256));
  const words = code === proxyErrorCode ? reason : `${hostOf(request)} does not answer: ${reason}`;
  return { is: 'trouble', words, code };
}

/** Temporary statuses. A metadata endpoint answers 404 and 410 while it starts (Microsoft's article on it). */
const temporary = new Set([404, 408, 410, 429]);

/** Members of a token response or a tenant's metadata. */
const expected = ['access_token', 'token_endpoint', 'tenant_discovery_endpoint'];

function outcomeOf(request: PipelineRequest, { status, bodyAsText }: PipelineResponse): Outcome {
  // @azure/identity probes for a metadata endpoint by a request without the required header.
  if (/\/metadata\/identity\//.test(request.url) && !request.headers.has('metadata')) return { is: 'answer' };
  const body = parsed(bodyAsText);
  if (status < 300 && expected.some((member) => member in body)) return { is: 'answer' };
  // RFC 6749, section 5.2: a refusal has a string `error`.
  const isRefusal = status >= 400 && status < 500 && !temporary.has(status) && typeof body.error === 'string';
  if (isRefusal) return { is: 'refusal' };
  const form = temporary.has(status) || status >= 500 ? '' : ', not in the form of a token endpoint';
  return { is: 'trouble', words: `${hostOf(request)} answers HTTP ${status}${form}`, code: '' };
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
