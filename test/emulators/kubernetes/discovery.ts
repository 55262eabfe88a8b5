// Discovery of groups, versions and resources, in the unaggregated form only. Clients that ask for the aggregated form
// accept this one, as they do from an older server.
import { groupsOf } from './cluster.ts';
import type { Json, JsonObject } from './object.ts';
import type { Resource } from './resource.ts';

export const serverVersion = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2025-04-23T13:22:09Z',
  goVersion: 'go1.24.2',
  compiler: 'gc',
  platform: 'linux/amd64',
} as const;

export function apiVersions(host: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
  };
}

export function apiGroupList(resources: readonly Resource[]): JsonObject {
  const groups = [...groupsOf(resources)].filter(([group]) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(([group, versions]) => about(group, versions)) };
}

export function apiGroup(resources: readonly Resource[], group: string): JsonObject | undefined {
  const versions = groupsOf(resources).get(group);
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...about(group, versions) };
}

function about(group: string, versions: readonly string[]): JsonObject {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] as Json };
}

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const tokenRequests = {
  singularName: '',
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  verbs: ['create'],
};

export function apiResourceList(
  resources: readonly Resource[],
  group: string,
  version: string,
): JsonObject | undefined {
  const served = resources.filter((resource) => resource.group === group && resource.version === version);
  if (!served.length) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group ? `${group}/${version}` : version,
    resources: served.flatMap(
      ({ plural, singular, namespaced, kind, shortNames, categories, hasStatus, hasTokens }) => [
        {
          name: plural,
          singularName: singular,
          namespaced,
          kind,
          verbs,
          ...(shortNames.length && { shortNames: [...shortNames] }),
          ...(categories.length && { categories: [...categories] }),
        },
        ...(hasStatus
          ? [{ name: `${plural}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] }]
          : []),
        ...(hasTokens ? [{ ...tokenRequests, name: `${plural}/token`, namespaced }] : []),
      ],
    ),
  };
}
