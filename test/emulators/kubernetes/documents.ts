// The documents of the API server at paths that name no resource: discovery, OpenAPI v3 and the version.
import { apiGroup, apiGroupList, apiResourceList, apiVersions, serverVersion } from './discovery.ts';
import type { Json } from './object.ts';
import { openApiIndex, openApiV3 } from './openapi.ts';
import type { Resource } from './resource.ts';

/** Undefined if there is none. `host` is where the client found the server. */
export function documentAt(resources: readonly Resource[], path: string, host: string): Json | undefined {
  const [root = '', ...rest] = path.split('/').slice(1);
  switch (root) {
    case '':
      return {
        paths: ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'],
      };
    case 'version':
      return rest.length ? undefined : serverVersion;
    case 'api':
      if (!rest.length) return apiVersions(host);
      return rest.length === 1 ? apiResourceList(resources, '', rest[0] ?? '') : undefined;
    case 'apis':
      if (!rest.length) return apiGroupList(resources);
      if (rest.length === 1) return apiGroup(resources, rest[0] ?? '');
      return rest.length === 2 ? apiResourceList(resources, rest[0] ?? '', rest[1] ?? '') : undefined;
    case 'openapi':
      return openApiAt(resources, rest);
    default:
      return undefined;
  }
}

function openApiAt(resources: readonly Resource[], [version, ...rest]: string[]): Json | undefined {
  if (version !== 'v3') return undefined;
  return rest.length ? openApiV3(resources, rest.join('/')) : openApiIndex(resources);
}

/**
 * Whether the answer to an unknown path is plain text instead of a Status: below /apis, in a group without built-in
 * resources, whether or not the group has custom ones (recorded: 1.20.2).
 */
export function isPlainNotFound(resources: readonly Resource[], path: string): boolean {
  const [, root, group] = path.split('/');
  return root === 'apis' && !resources.some((resource) => resource.origin === 'built-in' && resource.group === group);
}
