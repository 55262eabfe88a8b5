// Classifies the errors of @azure/identity and MSAL. Pure and total.
import { describe, proxyErrorCode } from '../rest-error.ts';
import { TokenEndpointError } from './token-endpoint.ts';

/** Of @azure/identity and MSAL. */
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
  'TokenFileError',
]);

/** The file with the ServiceAccount's token cannot be read; the message names it. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

export function isCredentialError(error: unknown): error is Error {
  return error instanceof Error && names.has(error.name);
}

/** A proxy gave no connection, the token endpoint cannot be reached, no credential is set up, or the endpoint refused. */
export interface CredentialTrouble {
  readonly is: 'NoConnection' | 'Unreachable' | 'NotSetUp' | 'Refused';
  readonly words: string;
}

export function classifyCredentialError(error: Error): CredentialTrouble {
  if (error instanceof TokenEndpointError) {
    if (error.code === proxyErrorCode) return { is: 'NoConnection', words: error.message };
    // Without any credential set up, the metadata endpoint of managed identities fails to answer, too.
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
 * Finds the managed identity that the metadata endpoint refuses ("Identity not found"): the SDK reports it as not set up (tried
 * with @azure/identity 4.14). `client_error` is a response of another service at that address.
 */
function refusedMachine(error: Error): Error | undefined {
  return links(error).find(
    (link): link is Error =>
      link instanceof Error &&
      /^ManagedIdentityCredential: Authentication failed\. Message (?!client_error)/.test(link.message),
  );
}

/** True if every credential of the chain reports that it is not set up, and none that it was refused. */
function nothingSetUp(error: Error): boolean {
  if (error.name !== 'AggregateAuthenticationError') return false;
  return links(error).every((link) => link instanceof Error && link.name === 'CredentialUnavailableError');
}

/** The message without the additions of @azure/identity and MSAL: a made-up status 400, repeated numbers, and links. */
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

/** Characters searched for a code of MSAL or of the network. */
const maxSearchLength = 1_024;

/**
 * Tried with @azure/identity 4.14: a dead, unresolvable or untrusted authority, or a tenant unknown to it, gives an
 * AuthenticationError (status 400!) whose words begin with MSAL's `endpoints_resolution_error`, a 5xx of it `network_error`. A
 * chain without any credential also fails to reach the metadata endpoint of managed identities, which says nothing about the network.
 */
function tokenEndpointUnreachable(error: Error): boolean {
  return links(error).some((link) => {
    if (!(link instanceof Error) || link.message.startsWith('ManagedIdentityCredential')) return false;
    return /\b(endpoints_resolution_error|network_error|no_network_connectivity|request_timeout|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b/.test(
      link.message.slice(0, maxSearchLength),
    );
  });
}
