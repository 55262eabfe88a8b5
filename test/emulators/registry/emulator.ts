// The data plane of the emulated registries: an HTTPS server on loopback for the login server and the regional endpoints of every
// registry of the ARM emulator, told apart by the header Host. Clients reach it through a proxy (test/connect-proxy.ts), under its real names.
//
// By the OCI distribution specification (/v2/, manifests) and Azure/acr's docs/AAD-OAuth.md (/oauth2); nothing of it was recorded.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { ArmEmulator } from '../arm/emulator.ts';
import { publicRegions } from '../arm/regions.ts';
import { makeLoopbackCertificate } from '../certificate.ts';
import { Images } from './images.ts';
import { RegistryTokens } from './tokens.ts';

export interface RegistryEmulator {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** The certificate to trust, in PEM: valid for every endpoint in every region. */
  readonly certificate: string;
  readonly images: Images;
  readonly tokens: RegistryTokens;
  /** `METHOD host path` of each request, in order. */
  readonly requests: readonly string[];
  /** Endpoints, by host, that answer 503. */
  readonly broken: Set<string>;
  close(): Promise<void>;
}

interface Endpoint {
  readonly host: string;
  readonly registry: string;
  readonly region: string;
}

export interface RegistryEmulatorOptions {
  readonly clock?: Clock;
  /** Lets `POST /emulator/images/REPOSITORY:TAG` push an image to this registry. */
  readonly pushes?: { readonly registry: string; readonly delays: () => Readonly<Record<string, number>> };
}

export async function startRegistryEmulator(
  { azure, verify }: Pick<ArmEmulator, 'azure' | 'verify'>,
  { clock = systemClock, pushes }: RegistryEmulatorOptions = {},
): Promise<RegistryEmulator> {
  const wildcards = ['*.azurecr.io', ...publicRegions.map(({ name }) => `*.${name}.geo.azurecr.io`)];
  const { cert, key } = await makeLoopbackCertificate('Azure Container Registry emulator', wildcards);
  const now = () => clock.now().getTime();
  const parts = {
    images: new Images(now),
    tokens: new RegistryTokens(verify, now),
    requests: [] as string[],
    broken: new Set<string>(),
  };
  const app = registryApp(azure, parts);
  if (pushes) app.route('/', pushApp(parts.images, pushes));
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer,
    serverOptions: { key, cert },
    overrideGlobalObjects: false,
  }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...parts,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate: cert,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Parts = Pick<RegistryEmulator, 'images' | 'tokens' | 'broken'> & { readonly requests: string[] };

function registryApp(azure: ArmEmulator['azure'], { images, tokens, requests, broken }: Parts): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    const { host, pathname } = new URL(c.req.url);
    requests.push(`${c.req.method} ${host} ${pathname}`);
    if (broken.has(host)) return refuse(503, 'UNAVAILABLE', 'the service is unavailable');
    return next();
  });

  app.post('/oauth2/exchange', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const token = tokens.refreshToken(hostOf(c), form.get('access_token') ?? '');
    return token === undefined
      ? refuse(
          401,
          'UNAUTHORIZED',
          'authentication required, visit https://aka.ms/acr/authorization for more information.',
        )
      : Response.json({ refresh_token: token });
  });

  app.post('/oauth2/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const token = tokens.accessToken(hostOf(c), form.get('refresh_token') ?? '', form.get('scope') ?? '');
    return token === undefined
      ? refuse(401, 'UNAUTHORIZED', 'authentication required')
      : Response.json({ access_token: token });
  });

  app.get('/v2/', (c) => challenge(hostOf(c), ''));

  app.get('/v2/:path{.+}', (c) => {
    const { repository, reference } =
      /^(?<repository>.+)\/manifests\/(?<reference>[^/]+)$/.exec(c.req.param('path'))?.groups ?? {};
    const endpoint = endpointOf(azure, hostOf(c));
    if (!endpoint || !repository || !reference)
      return refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry');
    const scope = `repository:${repository}:pull`;
    if (!tokens.allows(endpoint.host, c.req.header('authorization'), scope)) return challenge(endpoint.host, scope);
    const found = images.find(endpoint.registry, endpoint.region, repository, decodeURIComponent(reference));
    if (!found) return refuse(404, 'MANIFEST_UNKNOWN', `manifest tagged by "${reference}" is not found`);
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': found.digest };
    return new Response(found.content, { headers });
  });

  app.notFound(() => refuse(404, 'NOT_FOUND', 'no such path'));
  return app;
}

function pushApp(images: Images, { registry, delays }: NonNullable<RegistryEmulatorOptions['pushes']>): Hono {
  const app = new Hono();
  app.post('/emulator/images/:image{.+}', (c) => {
    const { repository, tag } = /^(?<repository>.+):(?<tag>[\w.-]+)$/.exec(c.req.param('image'))?.groups ?? {};
    if (!repository || !tag) return refuse(400, 'NAME_INVALID', 'the path must end with REPOSITORY:TAG');
    const arrivesInMs = delays();
    const digest = images.push({ registry, repository, tag, delays: arrivesInMs });
    return Response.json({ image: `${repository}:${tag}`, digest, arrivesInMs });
  });
  return app;
}

function hostOf(c: Context): string {
  return new URL(c.req.url).host;
}

/** The login server is served by the home region. A region without a replica has no endpoint, nor has any while they are off. */
function endpointOf(azure: ArmEmulator['azure'], host: string): Endpoint | undefined {
  const { name, region } = /^(?<name>[a-z0-9]+)(?:\.(?<region>[a-z0-9]+)\.geo)?\.azurecr\.io$/.exec(host)?.groups ?? {};
  const reference = azure.references().find((one) => one.name.toLowerCase() === name);
  const registry = reference && azure.registry(reference);
  if (!registry || !name) return undefined;
  if (region === undefined) return { host, registry: name, region: registry.location };
  return registry.regionalEndpointHostNames.includes(host) ? { host, registry: name, region } : undefined;
}

function challenge(host: string, scope: string): Response {
  const named = scope === '' ? '' : `,scope="${scope}"`;
  return refuse(401, 'UNAUTHORIZED', 'authentication required', {
    'www-authenticate': `Bearer realm="https://${host}/oauth2/token",service="${host}"${named}`,
  });
}

function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}
