// The addresses of the Azure cloud: public, US Government, China, or a custom one. Pure.

export interface Cloud {
  /** URL of Azure Resource Manager, without a trailing slash. */
  readonly endpoint: string;
  /** The audience of tokens, unchanged: for Entra a trailing slash makes another audience. */
  readonly audience: string;
  /** URL of the token authority, without a trailing slash. */
  readonly authority: string;
  /** False disables instance discovery: MSAL would ask the public cloud about an authority that it does not know. */
  readonly knownAuthority: boolean;
  /** Of Microsoft.ContainerRegistry. Default: the SDK's. */
  readonly apiVersion?: string;
}

interface Known {
  readonly authority: string;
  readonly endpoint: string;
}

/** Microsoft's documented endpoints; the first is the default. */
const publicCloud: Known = {
  authority: 'https://login.microsoftonline.com',
  endpoint: 'https://management.azure.com',
};
const knownClouds: readonly Known[] = [
  publicCloud,
  { authority: 'https://login.microsoftonline.us', endpoint: 'https://management.usgovcloudapi.net' },
  { authority: 'https://login.chinacloudapi.cn', endpoint: 'https://management.chinacloudapi.cn' },
  { authority: 'https://login.partner.microsoftonline.cn', endpoint: 'https://management.chinacloudapi.cn' },
];

/**
 * Reads AZURE_RESOURCE_MANAGER_ENDPOINT, AZURE_RESOURCE_MANAGER_AUDIENCE, AZURE_AUTHORITY_HOST and
 * AZURE_CONTAINER_REGISTRY_API_VERSION. A known authority implies its endpoint, and a known endpoint its authority. The default
 * audience is the endpoint.
 *
 * @throws Error with one sentence that names the variable.
 */
export function cloudFrom(env: Readonly<Record<string, string | undefined>>): Cloud {
  const endpointSet = address(env, 'AZURE_RESOURCE_MANAGER_ENDPOINT');
  const authoritySet = address(env, 'AZURE_AUTHORITY_HOST');
  const audienceSet = env.AZURE_RESOURCE_MANAGER_AUDIENCE?.trim();
  const known =
    knownClouds.find(({ authority }) => authority === authoritySet) ??
    (authoritySet ? undefined : knownClouds.find(({ endpoint }) => endpoint === endpointSet));
  const endpoint = endpointSet ?? (known ?? publicCloud).endpoint;
  const authority = authoritySet ?? (known ?? publicCloud).authority;
  return {
    endpoint,
    audience: audienceSet || endpoint,
    authority,
    knownAuthority: known !== undefined || !authoritySet,
    ...apiVersionIn(env),
  };
}

/** The format of Azure's API versions. */
export const apiVersion = /^\d{4}-\d{2}-\d{2}(-preview)?$/;

/** Some clouds offer older versions only. */
function apiVersionIn(env: Readonly<Record<string, string | undefined>>): Pick<Cloud, 'apiVersion'> {
  const version = env.AZURE_CONTAINER_REGISTRY_API_VERSION?.trim();
  if (!version) return {};
  if (!apiVersion.test(version))
    throw new Error(
      `AZURE_CONTAINER_REGISTRY_API_VERSION must be a date such as 2025-11-01 or 2025-06-01-preview, not ${JSON.stringify(version.slice(0, 200))}`,
    );
  return { apiVersion: version };
}

/** Must be https, because tokens are sent there. Removes trailing slashes. */
function address(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name]?.trim();
  if (!value) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || url.search || url.hash) {
    throw new Error(
      `${name} must be an https URL such as https://management.azure.com, not ${JSON.stringify(value.slice(0, 200))}`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** The scope of a token request. */
export function scopeOf(cloud: Cloud): string {
  return `${cloud.audience}/.default`;
}
