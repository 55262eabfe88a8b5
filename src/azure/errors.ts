// Turns every failure of ARM, the credential or the network into an ArmError with a message for users. Pure and total.
import { withCertificateRemedy } from '../lib/certificate-remedy.ts';
import { sanitize } from '../lib/sanitize.ts';
import { ArmError } from './arm.ts';
import { classifyCredentialError, isCredentialError } from './identity/credential-errors.ts';
import { withoutRegionLists } from './refusal-details.ts';
import { explain, type Finding } from './refusals.ts';
import { type Answer, codeOf, correlationIdIn, describe, responseOf } from './rest-error.ts';
import { defaultRetryAfterMs, maxVagueRetryAfterMs, retryAfterIn } from './retry-after.ts';

const maxMessageLength = 2_048;

/**
 * @param error Anything thrown: the SDK's RestError, a credential's error, a network error, an ArmError (kept as it is).
 * @param doing What was asked, as a verb with its object: "create replica japaneast of registry myACR0007".
 * @param identityLabel The identity that asked, as part of a sentence.
 */
export function toArmError(
  error: unknown,
  doing = 'do what was asked',
  identityLabel = "the operator's identity",
): ArmError {
  if (error instanceof ArmError) return error;
  const asked = sanitize(doing, 256);
  // First: some of them have a status, too, which is not ARM's.
  const isCredential = isCredentialError(error);
  const answer = isCredential ? undefined : responseOf(error);
  const { kind, reason, message, code, retryAfter } = isCredential
    ? credentialFailure(error, asked)
    : answer
      ? refusal(answer, asked, identityLabel)
      : noAnswer(error, asked);
  return new ArmError(kind, reason, sanitize(message, maxMessageLength), {
    code: code ?? '',
    cause: error,
    correlationId: correlationIdIn(error),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

interface Failure extends Finding {
  readonly code?: string;
  /** ms */
  readonly retryAfter?: number | undefined;
}

function refusal(answer: Answer, asked: string, identityLabel: string): Failure {
  const { status, code, header } = answer;
  const words = withoutRegionLists(answer.words);
  const said = [code || `HTTP ${status}`, words].filter(Boolean).join(': ');
  const waitMs = retryAfterIn(header);
  if (status === 429)
    return {
      kind: 'Throttled',
      reason: 'Throttled',
      message: `Azure throttles the operator; it will ${asked} later (${said})`,
      code,
      retryAfter: waitMs ?? defaultRetryAfterMs,
    };
  const finding = answer.fromArm
    ? explain({ answer, asked, identityLabel, words, said })
    : notFromArm(status, asked, words);
  const retryAfter =
    waitMs !== undefined && finding.kind === 'Transient' ? Math.min(waitMs, maxVagueRetryAfterMs) : undefined;
  return { ...finding, code, retryAfter };
}

function notFromArm(status: number, asked: string, words: string): Failure {
  return unreachable(
    `Something between the operator and Azure, such as a proxy, answered when Azure was asked to ${asked}: HTTP ${status} without an error of Azure's form. It is tried again; if that lasts, check HTTPS_PROXY, NO_PROXY, firewalls and AZURE_RESOURCE_MANAGER_ENDPOINT${words && ` (${words})`}`,
  );
}

function noAnswer(error: unknown, asked: string): Failure {
  const message = `Azure gave no usable answer when asked to ${asked}: ${withCertificateRemedy(error, describe(error))}`;
  return { ...unreachable(message), code: codeOf(error) };
}

function credentialFailure(error: Error, asked: string): Failure {
  const { is, words } = classifyCredentialError(error);
  if (is === 'Unreachable')
    return unreachable(
      `The token endpoint cannot be reached, or is in trouble, so the operator cannot ${asked}. If that lasts, check the network, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID and the credential (${words})`,
    );
  const why =
    is === 'NotSetUp'
      ? 'no Azure credential found: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or use workload identity or a managed identity'
      : words;
  const message = `The operator has no valid Azure credential, so it cannot ${asked} (${why})`;
  return { kind: 'Denied', reason: 'AuthenticationFailed', message };
}

function unreachable(message: string): Failure {
  return { kind: 'Transient', reason: 'AzureUnreachable', message };
}
