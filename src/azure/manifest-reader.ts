// Asks a registry's endpoint for the manifest of an image, as a pull does, with @azure/container-registry.
import { Readable } from 'node:stream';
import { ContainerRegistryContentClient } from '@azure/container-registry';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { withCertificateRemedy } from '../lib/certificate-remedy.ts';
import { sanitize } from '../lib/sanitize.ts';
import type { Cloud } from './cloud.ts';
import { toArmError } from './errors.ts';
import { createHttpClient } from './http-client.ts';
import { isCredentialError } from './identity/credential-errors.ts';
import { describe, responseOf } from './rest-error.ts';

export interface ImageReference {
  readonly repository: string;
  /** A tag, or a digest such as `sha256:…`. */
  readonly reference: string;
}

/** What an endpoint says about an image. `Denied` lasts until a person acts; `NoAnswer` says nothing about the image. */
export type ManifestAnswer =
  | { readonly kind: 'Present'; readonly digest: string }
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Denied'; readonly message: string }
  | { readonly kind: 'NoAnswer'; readonly message: string };

export interface ManifestReader {
  /** Asks once. The SDK verifies the digest of the manifest. @param host An endpoint of Azure (registry-endpoint.ts): it gets a token. */
  read(host: string, image: ImageReference): Promise<ManifestAnswer>;
  /** Ends all connections, those in use included. */
  close(): void;
}

/** With its tokens. */
const requestTimeoutMs = 30_000;

/** The audience of ACR, which works where a registry refuses tokens for ARM (`azureADAuthenticationAsArmPolicy`; SDK 1.1's default). */
const registryAudience = 'https://containerregistry.azure.net';

export function createManifestReader(credential: TokenCredential, cloud: Cloud): ManifestReader {
  const http = createHttpClient({ keepAlive: true, timeoutMs: requestTimeoutMs });
  const clients = new Map<string, ContainerRegistryContentClient>();
  const options = {
    // The SDK names ARM's audience for the other clouds.
    audience: cloud.endpoint === 'https://management.azure.com' ? registryAudience : cloud.audience,
    httpClient: withBodyStreams(http),
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: 'kubectl-georep' },
  };
  const clientFor = (host: string, repository: string) => {
    const key = `${host}/${repository}`;
    const client =
      clients.get(key) ?? new ContainerRegistryContentClient(`https://${host}`, repository, credential, options);
    clients.set(key, client);
    return client;
  };
  return {
    async read(host, { repository, reference }) {
      try {
        const { digest } = await clientFor(host, repository).getManifest(reference);
        return { kind: 'Present', digest };
      } catch (error) {
        return failureOf(error, host);
      }
    },
    close: http.close,
  };
}

function failureOf(error: unknown, host: string): ManifestAnswer {
  if (isCredentialError(error)) {
    const { kind, message } = toArmError(error, `get a token for ${host}`);
    return { kind: kind === 'Denied' ? 'Denied' : 'NoAnswer', message };
  }
  const answer = responseOf(error);
  const words = sanitize(answer ? registryWords(error) : withCertificateRemedy(error, describe(error)), 512);
  switch (answer?.status) {
    case 404:
      return { kind: 'Missing' };
    case 401:
    case 403:
      return {
        kind: 'Denied',
        message: `${host} refuses your identity (HTTP ${answer.status}: ${words}); it needs the role AcrPull on the registry, and the registry's firewall must allow this machine`,
      };
    case undefined:
      return { kind: 'NoAnswer', message: `${host} gives no usable answer (${words})` };
    default:
      return { kind: 'NoAnswer', message: `${host} answers HTTP ${answer?.status} (${words})` };
  }
}

/** Of the registry's error body, `{"errors": [{"code", "message"}]}` (OCI distribution specification), or of the SDK's error. */
function registryWords(error: unknown): string {
  try {
    const body = (error as { response?: { bodyAsText?: string } }).response?.bodyAsText ?? '';
    const [first] = (JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] }).errors ?? [];
    return [first?.code, first?.message].filter((word) => typeof word === 'string').join(': ') || describe(error);
  } catch {
    return describe(error);
  }
}

/** The SDK reads manifests from streams only. They are JSON, so nothing is lost between bytes and text. */
function withBodyStreams(client: HttpClient): HttpClient {
  return {
    async sendRequest(request) {
      const response = await client.sendRequest(request);
      const streams = request.streamResponseStatusCodes;
      const isStream = streams?.has(response.status) || streams?.has(Number.POSITIVE_INFINITY);
      if (!isStream || response.status >= 300) return response;
      const { bodyAsText, ...rest } = response;
      return { ...rest, readableStreamBody: Readable.from([Buffer.from(bodyAsText ?? '')]) };
    },
  };
}
