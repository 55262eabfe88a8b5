// OpenAPI v3 for `kubectl explain` and kubectl's validation: an index, and a document per group and version with only what
// clients use, which is schemas and the query parameters of verbs.
import { createHash } from 'node:crypto';
import { serverVersion } from './discovery.ts';
import { objectMetaSchema } from './metadata.ts';
import type { JsonObject } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';

const metaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export type Operation = {
  'x-kubernetes-action': string;
  'x-kubernetes-group-version-kind': { group: string; version: string; kind: string };
  parameters: { name: string; in: 'query'; schema: JsonObject }[];
  responses: JsonObject;
};

export type PathItem = { [verb in 'get' | 'put' | 'post' | 'delete' | 'patch']?: Operation } & {
  parameters?: JsonObject[];
};

/** `api/v1`, `apis/georeplication.dev/v1alpha1`. */
function rootOf(resource: Resource): string {
  return resource.group ? `apis/${apiVersionOf(resource)}` : `api/${resource.version}`;
}

/** The real server's schema names: the group reversed, the version, the kind. */
function schemaName({ group, version, kind }: Resource): string {
  return [...(group || 'core.api.k8s.io').split('.').reverse(), version, kind].join('.');
}

export function openApiIndex(resources: readonly Resource[]): JsonObject {
  const roots = [...new Set(resources.map(rootOf))];
  return {
    paths: Object.fromEntries(
      roots.map((root) => {
        const document = JSON.stringify(openApiV3(resources, root));
        const hash = createHash('sha256').update(document).digest('hex').slice(0, 32).toUpperCase();
        return [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }];
      }),
    ),
  };
}

/** The document of `api/v1` or `apis/group/version`; undefined if it has no resources. */
export function openApiV3(resources: readonly Resource[], root: string): JsonObject | undefined {
  const served = resources.filter((resource) => rootOf(resource) === root);
  if (!served.length) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: serverVersion.gitVersion },
    paths: pathsOf(served) as JsonObject,
    components: {
      schemas: {
        ...Object.fromEntries(served.map((resource) => [schemaName(resource), kindSchema(resource)])),
        [metaName]: objectMetaSchema as JsonObject,
      },
    },
  };
}

function kindSchema({ schema, group, version, kind }: Resource): JsonObject {
  const metadata = {
    description: "Standard object's metadata.",
    allOf: [{ $ref: `#/components/schemas/${metaName}` }],
  };
  return {
    ...(schema as JsonObject),
    properties: { ...(schema.properties as JsonObject), metadata },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
}

const reading = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion', 'watch'];
const writing = ['dryRun', 'fieldManager', 'fieldValidation'];

export function pathsOf(resources: readonly Resource[]): Record<string, PathItem> {
  return Object.fromEntries(resources.flatMap(pathsFor));
}

function pathsFor(resource: Resource): [string, PathItem][] {
  const { plural, namespaced, hasStatus, group, version, kind } = resource;
  const root = `/${rootOf(resource)}`;
  const operation = (action: string, parameters: readonly string[] = []): Operation => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    parameters: parameters.map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })),
    responses: { 200: { description: 'OK' } },
  });
  const inPath = (...names: string[]) =>
    names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } }));
  const within = namespaced ? ['namespace'] : [];
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const one: PathItem = {
    parameters: inPath('name', ...within),
    get: operation('get'),
    put: operation('put', writing),
    patch: operation('patch', writing),
  };
  const paths: [string, PathItem][] = [
    [
      collection,
      {
        parameters: inPath(...within),
        get: operation('list', reading),
        post: operation('post', writing),
        delete: operation('deletecollection', reading),
      },
    ],
    [`${collection}/{name}`, { ...one, delete: operation('delete', ['dryRun', 'propagationPolicy']) }],
  ];
  if (hasStatus) paths.push([`${collection}/{name}/status`, one]);
  if (namespaced) paths.push([`${root}/${plural}`, { get: operation('list', reading) }]);
  return paths;
}
