// What @azure/identity and MSAL throw where there is no token, and what is behind it. Pure and total.
import { describe } from '../rest-error.ts';
import { TokenEndpointError } from './token-endpoint.ts';

/** Names of errors, MSAL's among them. */
const names = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
  'AuthError',
  'ClientAuthError',
  'ClientConfigurationError',
  'InteractionRequiredAuthError',
  'ServerError',
  'TokenEndpointError',
]);

export function isCredentialError(error: unknown): error is Error {
  return error instanceof Error && names.has(error.name);
}

/** Why there is no token: there is nobody to ask, nothing to ask with, or the answer was no. */
export interface CredentialTrouble {
  readonly is: 'Unreachable' | 'NotSetUp' | 'Refused';
  readonly words: string;
}

export function classifyCredentialError(error: Error): CredentialTrouble {
  if (error instanceof TokenEndpointError) {
    // On a machine without any credential, too, only the metadata endpoint fails to answer.
    const alone = error.cause instanceof Error && nothingSetUp(error.cause);
    const words = alone ? `${error.message}; no other credential is set up` : error.message;
    return { is: 'Unreachable', words };
  }
  const machine = refusedMachine(error);
  const words = describeCredentialError(machine ?? error);
  if (tokenEndpointUnreachable(error)) return { is: 'Unreachable', words };
  return { is: nothingSetUp(error) && !machine ? 'NotSetUp' : 'Refused', words };
}

/**
 * Of a chain, the managed identity that the machine's metadata endpoint refuses ("Identity not found"): the SDK says of it too
 * that it is not set up (tried with @azure/identity 4.14). `client_error` is an answer of something else at that address.
 */
function refusedMachine(error: Error): Error | undefined {
  return links(error).find(
    (link): link is Error =>
      link instanceof Error &&
      /^ManagedIdentityCredential: Authentication failed\. Message (?!client_error)/.test(link.message),
  );
}

/** Whether every credential of the chain says that it is not set up, and none that it was refused. */
function nothingSetUp(error: Error): boolean {
  if (error.name !== 'AggregateAuthenticationError') return false;
  return links(error).every((link) => link instanceof Error && link.name === 'CredentialUnavailableError');
}

/** Without what @azure/identity and MSAL put around them: a made-up status 400, numbers said twice, and where to read on. */
export function describeCredentialError(error: Error): string {
  return describe(error)
    .replace(/ ?(To troubleshoot, visit|See) https:\/\/aka\.ms\/\S+( for (more )?details,?)?/g, '')
    .replace(/\.? Status code: 400 More details:/g, ':')
    .replace(/Error\(s\): (\d+|Not Available) - Description: /g, '')
    .replace(/[\s,.:]+$/, '');
}

function links(error: Error): readonly unknown[] {
  return 'errors' in error && Array.isArray(error.errors) ? error.errors : [error];
}

/** Characters among which a code of MSAL's or of the network is looked for. */
const looked = 1_024;

/**
 * Tried with @azure/identity 4.14: a dead, unresolvable or untrusted authority, or a tenant unknown to it, gives an
 * AuthenticationError (status 400!) whose words begin with MSAL's `endpoints_resolution_error`, a 5xx of it `network_error`. A
 * chain without any credential also fails to reach the metadata endpoint of managed identities, which says nothing about the network.
 */
function tokenEndpointUnreachable(error: Error): boolean {
  return links(error).some((link) => {
    if (!(link instanceof Error) || link.message.startsWith('ManagedIdentityCredential')) return false;
    return /\b(endpoints_resolution_error|network_error|no_network_connectivity|request_timeout|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b/.test(
      link.message.slice(0, looked),
    );
  });
}
