// An emulated ARM for each test of a file, and a client that can send any request, valid or not.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import { ClientSecretCredential } from '@azure/identity';
import {
  type ArmEmulator,
  type ArmEmulatorOptions,
  defaultSubscriptionId,
  startArmEmulator,
} from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';

export const reference = { subscriptionId: defaultSubscriptionId, resourceGroup: 'myresourcegroup', name: 'myACR0007' };
export const registryId = `/subscriptions/${defaultSubscriptionId}/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007`;
export const names = ['myresourcegroup', 'myACR0007'] as const;
export const apiVersion = '2025-11-01';

export const replicaPath = (name: string) => `${registryId}/replications/${name}`;
export const operationUrl = (headers: IncomingHttpHeaders) => String(headers['azure-asyncoperation']);

export type Method = 'GET' | 'PUT' | 'PATCH' | 'DELETE' | 'POST';

export interface ArmResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Body;
  /** The body as received. */
  readonly text: string;
}

/** The members of any response that the tests look at. */
export interface Body {
  readonly error?: { readonly code: string; readonly message: string };
  readonly status?: string;
  readonly value?: readonly Body[];
  readonly name?: string;
  readonly subscriptionId?: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export class ArmTestClient {
  #emulator: ArmEmulator | undefined;
  /** The operator's credential; keeps its token for the whole test. */
  #operator: ClientSecretCredential | undefined;

  /** Starts an emulator with one Premium registry whose home region is eastus. */
  start = async (options: ArmEmulatorOptions = {}): Promise<ArmEmulator> => {
    this.#emulator = await startArmEmulator({ timings: instant, ...options });
    this.#emulator.azure.addRegistry(reference, { location: 'eastus' });
    this.#operator = this.credential();
    return this.#emulator;
  };

  stop = async (): Promise<void> => {
    await this.#emulator?.close();
  };

  get emulator(): ArmEmulator {
    if (!this.#emulator) throw new Error('No emulator was started');
    return this.#emulator;
  }

  credential = (secret = this.emulator.environment.AZURE_CLIENT_SECRET): ClientSecretCredential => {
    const { AZURE_TENANT_ID: tenant = '', AZURE_CLIENT_ID: client = '' } = this.emulator.environment;
    return new ClientSecretCredential(tenant, client, secret ?? '', this.identityOptions());
  };

  identityOptions = () => ({
    authorityHost: this.emulator.url,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: this.emulator.certificate },
    retryOptions: { maxRetries: 0 },
  });

  sdk = (): ContainerRegistryManagementClient => {
    return new ContainerRegistryManagementClient(this.#operator ?? this.credential(), defaultSubscriptionId, {
      endpoint: this.emulator.url,
      tlsOptions: { ca: this.emulator.certificate },
      retryOptions: { maxRetries: 0 },
    });
  };

  /** Sends one request; `path` may be an absolute URL, and gets an api-version if it has none. */
  send = async (
    method: Method,
    path: string,
    body?: string | object,
    extra: { headers?: Record<string, string>; token?: string; signal?: AbortSignal } = {},
  ): Promise<ArmResponse> => {
    const url = new URL(path, this.emulator.url);
    if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', apiVersion);
    const token = extra.token ?? (await this.token());
    const headers = { authorization: `Bearer ${token}`, ...extra.headers };
    return this.exchange(url.href, method, body, headers, extra.signal);
  };

  token = async (): Promise<string> => {
    const operator = this.#operator ?? this.credential();
    return (await operator.getToken('https://management.azure.com/.default')).token;
  };

  /** Sends a request without adding a token. Rejects if the response is incomplete. */
  exchange = async (
    url: string,
    method: Method,
    body: string | object | undefined,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<ArmResponse> => {
    const outgoing = request(url, { method, headers, ca: this.emulator.certificate, ...(signal && { signal }) });
    // For a truncated response, `text` rejects.
    outgoing.on('error', () => undefined);
    outgoing.end(typeof body === 'object' ? JSON.stringify(body) : body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const content = await text(incoming);
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: parseBody(content),
      text: content,
    };
  };

  create = (name: string, location = name): Promise<ArmResponse> =>
    this.send('PUT', replicaPath(name), { location, properties: {} });
}

/** Empty if it is not JSON: tests of malformed responses look at their text. */
function parseBody(content: string): Body {
  try {
    return JSON.parse(content) as Body;
  } catch {
    return {};
  }
}
