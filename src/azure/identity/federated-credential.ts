// An object's own identity: exchanges tokens of a Kubernetes ServiceAccount for tokens of its client in Entra. It caches nothing.
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { isGuid } from '../../lib/guid.ts';
import { errorMessage, sanitize } from '../../lib/sanitize.ts';
import { shellQuote } from '../../lib/shell-quote.ts';
import { ArmError, type IdentityReason } from '../arm.ts';
import type { Cloud } from '../cloud.ts';
import { toArmError } from '../errors.ts';
import { proxyErrorCode } from '../rest-error.ts';
import { authorityOptions } from './credential.ts';
import { describeCredentialError } from './credential-errors.ts';
import { followed } from './token-endpoint.ts';

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** The ServiceAccount does not exist, is forbidden, or its namespace is being deleted; the words are the API server's. */
export interface Refused {
  readonly refused: 'missing' | 'forbidden' | 'terminating';
  readonly words: string;
}

/** The port to Kubernetes. `age`: maximum age of the answer in ms. Both reject when the API server does not answer. */
export interface ServiceAccounts {
  annotations(
    account: ServiceAccountName,
    age: number,
  ): Promise<{ readonly annotations: Readonly<Record<string, string>>; readonly uid: string } | Refused>;
  token(account: ServiceAccountName, audience: string): Promise<{ readonly token: string } | Refused>;
}

/** The client in Entra that a ServiceAccount is annotated with. */
export interface EntraClient {
  readonly clientId: string;
  readonly tenantId: string;
  /** Of the ServiceAccount: one that is deleted and created again gets no token of its predecessor. */
  readonly uid: string;
}

/** The audience that Entra requires of the exchanged token (Microsoft's article on workload identity federation). */
const audience = 'api://AzureADTokenExchange';

/** Azure Workload Identity's annotations, which its webhook and AKS read, too. */
const annotation = {
  clientId: 'azure.workload.identity/client-id',
  tenantId: 'azure.workload.identity/tenant-id',
} as const;

/** The annotations of a ServiceAccount that are read. */
export const clientAnnotations: readonly string[] = Object.values(annotation);

export interface Lookup {
  readonly serviceAccounts: Pick<ServiceAccounts, 'annotations'>;
  /** Maximum age in ms of the ServiceAccount's annotations. */
  readonly age: number;
  /** Default tenant: the operator's own, as with Azure Workload Identity. */
  readonly homeTenant: string | undefined;
}

/**
 * @throws ArmError `Denied` with an IdentityReason, or `Transient` if the API server does not answer.
 */
export async function resolveClient(
  account: ServiceAccountName,
  { serviceAccounts, age, homeTenant }: Lookup,
): Promise<EntraClient> {
  const reading = await answered(serviceAccounts.annotations(account, age), account);
  if ('refused' in reading) throw refusal(account, reading, 'read');
  // Entra accepts a tenant's domain name, too, but a user's text must not become part of a URL.
  const idIn = (name: string, otherwise?: string) => {
    const id = (reading.annotations[name] ?? otherwise ?? '').trim();
    if (isGuid(id)) return id.toLowerCase();
    const [of, placeholder] = name === annotation.clientId ? ["client's", 'CLIENT_ID'] : ["tenant's", 'TENANT_ID'];
    const found = id === '' ? 'is not set' : `is ${JSON.stringify(sanitize(id, 100))}, which is no id`;
    throw denied(
      'ServiceAccountNotAnnotated',
      `annotation ${name} of ServiceAccount ${inWords(account)} ${found}. Set it to the ${of} id in Entra: kubectl annotate serviceaccount -n ${shellQuote(account.namespace)} ${shellQuote(account.name)} --overwrite ${name}=${placeholder}`,
    );
  };
  return { clientId: idIn(annotation.clientId), tenantId: idIn(annotation.tenantId, homeTenant), uid: reading.uid };
}

/** Its `getToken` rejects with an ArmError and nothing else. */
export function federatedCredential(
  account: ServiceAccountName,
  client: EntraClient,
  { serviceAccounts, cloud }: { readonly serviceAccounts: Pick<ServiceAccounts, 'token'>; readonly cloud: Cloud },
): TokenCredential {
  return {
    async getToken(scope, options): Promise<AccessToken | null> {
      const answer = await answered(serviceAccounts.token(account, audience), account);
      if ('refused' in answer) throw refusal(account, answer, 'ask for a token of');
      const { token } = answer;
      const { ClientAssertionCredential } = await import('@azure/identity');
      // A new one each time: the SDK's credential would cache tokens that the operator could not drop.
      const { tenantId, clientId } = client;
      const credential = followed(
        new ClientAssertionCredential(tenantId, clientId, async () => token, authorityOptions(cloud)),
      );
      try {
        return await credential.getToken(scope, options);
      } catch (error) {
        throw notExchanged(error, account, client, issuerOf(token));
      }
    },
  };
}

async function answered<T>(answer: Promise<T>, account: ServiceAccountName): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const words = sanitize(errorMessage(error), 512);
    const message = `the API server does not answer about ServiceAccount ${inWords(account)}: cannot ask Azure as it yet (${words})`;
    throw new ArmError('Transient', 'AzureUnreachable', message, { cause: error });
  }
}

function refusal(account: ServiceAccountName, { refused, words }: Refused, asked: string): ArmError {
  const { namespace, name } = account;
  switch (refused) {
    case 'missing':
      return denied(
        'ServiceAccountNotFound',
        `ServiceAccount ${inWords(account)} of spec.identity does not exist. Create it with: kubectl create serviceaccount -n ${shellQuote(namespace)} ${shellQuote(name)}`,
      );
    case 'forbidden':
      return denied(
        'TokenRequestDenied',
        `the operator may not ${asked} ServiceAccount ${inWords(account)}. Create the Role and the RoleBinding of deploy/identity in namespace ${namespace}, for this ServiceAccount (${words})`,
      );
    case 'terminating':
      return denied(
        'TokenRequestDenied',
        `namespace ${namespace} is being deleted: no token of ServiceAccount ${inWords(account)} (${words})`,
      );
    default:
      return refused satisfies never;
  }
}

function notExchanged(
  error: unknown,
  account: ServiceAccountName,
  { clientId, tenantId }: EntraClient,
  issuer: string,
): ArmError {
  const known = toArmError(error, `get a token for client ${clientId}`);
  if (known.code === proxyErrorCode) return known;
  const words = error instanceof Error ? describeCredentialError(error) : known.message;
  if (known.reason !== 'AuthenticationFailed') {
    const message = `the token endpoint does not answer, or knows no tenant ${tenantId} of ServiceAccount ${inWords(account)}: no token for client ${clientId} yet. If it lasts, check ${annotation.tenantId} and the network (${words})`;
    return new ArmError('Transient', 'AzureUnreachable', message, { cause: error });
  }
  const subject = `system:serviceaccount:${account.namespace}:${account.name}`;
  return denied(
    'TokenExchangeRefused',
    `Entra rejects the token of ServiceAccount ${inWords(account)} for client ${clientId} in tenant ${tenantId}. Give the client a federated credential with issuer ${issuer}, subject ${subject} and audience ${audience} (${words})`,
    error,
  );
}

/** The token's issuer: not secret, and required in the federated credential. */
function issuerOf(token: string): string {
  try {
    const claims: { iss?: unknown } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (typeof claims.iss === 'string') return sanitize(claims.iss, 256);
  } catch {
    // An opaque token.
  }
  return "of the cluster's service account tokens";
}

function denied(reason: IdentityReason, message: string, cause?: unknown): ArmError {
  return new ArmError('Denied', reason, sanitize(message, 2_048), { cause });
}

function inWords({ namespace, name }: ServiceAccountName): string {
  return `${namespace}/${name}`;
}
