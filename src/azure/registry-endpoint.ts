// Names of registries' endpoints: the login server, and one endpoint for each region. Pure.
//
// `NAME.REGION.geo.SUFFIX` beside the login server `NAME.SUFFIX`: recorded for the public cloud (azure-cli, 2026-04-03); Microsoft's
// endpoint reference has the same form for Azure China. That an endpoint challenges for, and exchanges, its own tokens is assumed from
// Microsoft's words that it takes the same authentication as the login server; no recording has the data plane.

/** Only these hosts get the caller's token: Azure's registries in the public, US Government, China and German clouds. */
const suffix = 'azurecr\\.(?:io|us|cn|de)';
const loginServerPattern = new RegExp(`^(?<label>[a-z0-9-]{5,63})\\.(?<suffix>${suffix})$`);
const regionalPattern = new RegExp(
  `^(?<label>[a-z0-9-]{5,63})\\.(?<region>[a-z0-9]{1,64})\\.geo\\.(?<suffix>${suffix})$`,
);

/** The region of a regional endpoint that belongs to this login server; undefined for any other host. Both in lower case. */
export function regionOf(host: string, loginServer: string): string | undefined {
  const { label, region, suffix } = regionalPattern.exec(host)?.groups ?? {};
  return `${label}.${suffix}` === loginServer ? region : undefined;
}

/** Where the endpoint of a region is, if the registry has regional endpoints; undefined if this is no login server of Azure. */
export function regionalHost(loginServer: string, region: string): string | undefined {
  const { label, suffix } = loginServerPattern.exec(loginServer)?.groups ?? {};
  return label && suffix ? `${label}.${region}.geo.${suffix}` : undefined;
}

/** The login server of either endpoint; undefined for any other host. */
export function loginServerOf(host: string): string | undefined {
  const { label, suffix } = (regionalPattern.exec(host) ?? loginServerPattern.exec(host))?.groups ?? {};
  return label && suffix ? `${label}.${suffix}` : undefined;
}
