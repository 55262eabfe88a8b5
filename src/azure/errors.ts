// Turns every failure of ARM, the credential or the network into an ArmError with a message for users. Pure and total.
import { withCertificateRemedy } from '../lib/certificate-remedy.ts';
import { sanitize } from '../lib/sanitize.ts';
import { ArmError } from './arm.ts';
import { classifyCredentialError, isCredentialError } from './identity/credential-errors.ts';
import { withoutRegionLists } from './refusal-details.ts';
import { explain, type Finding } from './refusals.ts';
import { type Answer, codeOf, correlationIdIn, describe, proxyErrorCode, responseOf } from './rest-error.ts';
import { defaultRetryAfterMs, maxVagueRetryAfterMs, retryAfterIn } from './retry-after.ts';

const maxMessageLength = 2_048;

/**
 * @param error Anything thrown: the SDK's RestError, a credential's error, a network error, an ArmError (kept as it is).
 * @param doing What was asked, as a verb with its object: "create the replica".
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
      message: `Azure throttles the operator: cannot ${asked} yet (${said})`,
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
    `HTTP ${status} without Azure's error format, as from a proxy: cannot ${asked} yet. If it lasts, check HTTPS_PROXY, NO_PROXY, firewalls and AZURE_RESOURCE_MANAGER_ENDPOINT${words && ` (${words})`}`,
  );
}

function noAnswer(error: unknown, asked: string): Failure {
  if (codeOf(error) === proxyErrorCode) return noConnection(describe(error), asked);
  const message = `no usable answer from Azure: cannot ${asked} yet (${withCertificateRemedy(error, describe(error))})`;
  return { ...unreachable(message), code: codeOf(error) };
}

function credentialFailure(error: Error, asked: string): Failure {
  const { is, words } = classifyCredentialError(error);
  if (is === 'NoConnection') return noConnection(words, asked);
  if (is === 'Unreachable')
    return unreachable(
      `the token endpoint does not answer, or is in trouble: cannot ${asked} yet. If it lasts, check the network, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID and the credential (${words})`,
    );
  const remedy =
    is === 'NotSetUp'
      ? 'Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or use workload identity or a managed identity'
      : `Renew or correct it (${words})`;
  const message = `no valid Azure credential: cannot ${asked}. ${remedy}`;
  return { kind: 'Denied', reason: 'AuthenticationFailed', message };
}

/** @param words What a proxy did. */
function noConnection(words: string, asked: string): Failure {
  return { ...unreachable(`${words}: cannot ${asked} yet`), code: proxyErrorCode };
}

function unreachable(message: string): Failure {
  return { kind: 'Transient', reason: 'AzureUnreachable', message };
}
