// Composes and starts the ARM emulator: state, rules, faults, a tenant, and an HTTPS server on loopback.
import { once } from 'node:events';
import { createServer as createHttpsServer, type Server } from 'node:https';
import { createServer } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { makeLoopbackCertificate } from '../certificate.ts';
import { adminApp, adminPath } from './admin.ts';
import { Azure, type RegistrySettings } from './azure.ts';
import { type ConnectionCounts, Connections } from './connection-faults.ts';
import { Faults } from './faults/faults.ts';
import { Journal } from './journal.ts';
import type { Grant } from './metadata-endpoint.ts';
import { Quota, type QuotaOptions } from './quota.ts';
import { seeded } from './random.ts';
import type { Region } from './regions.ts';
import { armApp } from './server.ts';
import { realistic, type Timings } from './timings.ts';
import { type FederatedCredential, Tenant, type Verdict } from './tokens.ts';
import { World } from './world.ts';

/** A subscription that always exists. */
export const defaultSubscriptionId = '00000000-0000-0000-0000-000000000000';

export interface ArmEmulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** How long operations take; default `realistic`. Azure.timings changes it later. */
  readonly timings?: Timings;
  readonly clock?: Clock;
  /** Seed of the drawn durations and chances. */
  readonly seed?: number;
  /** Defaults of registries; `contentBytes` makes new replicas Sync for a while. */
  readonly registryDefaults?: RegistrySettings;
  /** Replicas per page of LIST. */
  readonly pageSize?: number;
  /** Requests that the journal keeps. */
  readonly journalLength?: number;
  /** The size of ARM's quota and whether it is enforced; by default it only counts. */
  readonly quota?: QuotaOptions;
  /** Lifetime of access tokens in seconds; default: an hour. */
  readonly tokenLifetime?: number;
  /** Default: those of the public cloud. */
  readonly regions?: readonly Region[];
  /** Resources for which the tenant issues tokens besides those of the public cloud, as in other clouds. */
  readonly audiences?: readonly string[];
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

export interface ArmEmulator {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** The certificate to trust, in PEM. */
  readonly certificate: string;
  /** What the operator's process needs, besides NODE_EXTRA_CA_CERTS with a file of the certificate. */
  readonly environment: Readonly<Record<string, string>>;
  readonly azure: Azure;
  readonly journal: Journal;
  /** Connections of all clients, those for tokens and the admin API included. */
  readonly connections: ConnectionCounts;
  /** Registers another application with the same secret; the journal tells the applications apart. */
  register(clientId: string, federated?: readonly FederatedCredential[]): void;
  /** Grants tokens for a managed identity: see metadata-endpoint.ts. */
  readonly grant: Grant;
  /** Ends every connection, as a server does with those that are idle for long. */
  endConnections(): void;
  /** Verifies an access token of the tenant, as the registries' data plane does. */
  verify(token: string): Verdict;
  /** Ends every connection; resolves when the port is free. */
  close(): Promise<void>;
}

export async function startArmEmulator(options: ArmEmulatorOptions = {}): Promise<ArmEmulator> {
  const {
    port = 0,
    timings = realistic,
    clock = systemClock,
    seed = 1,
    registryDefaults = {},
    regions,
    pageSize = 100,
    journalLength = 100_000,
    quota = {},
    tokenLifetime,
    audiences: furtherAudiences = [],
    tenantId = '11111111-1111-1111-1111-111111111111',
    clientId = '22222222-2222-2222-2222-222222222222',
    clientSecret = 'emulated-secret',
  } = options;
  const { cert, key } = await makeLoopbackCertificate('Azure Resource Manager emulator');
  // A generator of its own: faults must not change the drawn durations.
  const faults = new Faults(() => clock.now().getTime(), seeded(seed + 1));
  const world = new World(clock, seeded(seed), timings, faults);
  if (regions) world.regions = regions;
  world.addSubscription(defaultSubscriptionId);
  const azure = new Azure(world, registryDefaults);
  const journal = new Journal(journalLength);
  const audience = 'https://management.azure.com';
  const audiences = [audience, 'https://management.core.windows.net', ...furtherAudiences];
  const tenant = new Tenant(tenantId, audiences, () => world.now, tokenLifetime);
  const register = (clientId: string, federated?: readonly FederatedCredential[]) =>
    tenant.register({ clientId, secret: clientSecret, ...(federated && { federated }) });
  register(clientId);

  const connections = new Connections(faults);
  const app = armApp({ world, faults, connections, tenant, quota: new Quota(quota), journal, pageSize });
  const admin = adminApp(azure, journal, () => connections.counts);
  const isAdmin = ({ url }: Request) => `${new URL(url).pathname}/`.startsWith(`${adminPath}/`);
  const server = createAdaptorServer({
    // Outside of ARM: no fault affects the admin API and no journal records it.
    fetch: (request, bindings) => (isAdmin(request) ? admin : app).fetch(request, bindings),
    createServer: createHttpsServer,
    serverOptions: { key, cert, keepAliveTimeout: 120_000 },
    overrideGlobalObjects: false,
  }) as Server;
  // A TCP server in front of the HTTPS server can leave a handshake unanswered.
  const listener = createServer({ noDelay: true }, (socket) => connections.accept(socket, server));
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('The ARM emulator has no port');
  const url = `https://127.0.0.1:${address.port}`;
  audiences.push(url);

  return {
    url,
    certificate: cert,
    environment: {
      AZURE_RESOURCE_MANAGER_ENDPOINT: url,
      AZURE_RESOURCE_MANAGER_AUDIENCE: audience,
      AZURE_AUTHORITY_HOST: url,
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
    },
    azure,
    journal,
    get connections() {
      return connections.counts;
    },
    register,
    verify: (token) => tenant.verify(token),
    grant: (clientId, resource) => tenant.grant(clientId, resource),
    endConnections: () => connections.end(),
    async close() {
      journal.close();
      const closed = once(listener, 'close');
      listener.close();
      connections.end();
      await closed;
    },
  };
}
