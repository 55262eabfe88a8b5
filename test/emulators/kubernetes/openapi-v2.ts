// OpenAPI v2 in protobuf, the only form that kubectl requests: up to 1.27, kubectl applies nothing without it. It has only
// paths, verbs and query parameters; kubectl does without the definitions (schemas are in v3). The field numbers are those
// of gnostic's OpenAPIv2.proto.
import type { Operation, PathItem } from './openapi.ts';
import { type Fields, field, yes } from './protobuf.ts';

export const openApiV2Type = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

const verbs = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const;

export function openApiV2(paths: Readonly<Record<string, PathItem>>, version: string): Buffer {
  const items = Object.entries(paths).map(([path, item]) => field(2, [field(1, path), field(2, pathItem(item))]));
  return Buffer.concat([field(1, '2.0'), field(2, [field(1, 'Kubernetes'), field(2, version)]), field(8, items)]);
}

function pathItem(item: PathItem): Fields[] {
  return (['get', 'put', 'post', 'delete', 'patch'] as const).flatMap((verb) => {
    const operation = item[verb];
    return operation ? [field(verbs[verb], operationFields(operation))] : [];
  });
}

function operationFields(operation: Operation): Fields[] {
  return [
    ...operation.parameters.map(({ name }) => field(8, [field(1, [field(2, [field(3, queryParameter(name))])])])),
    extension('x-kubernetes-action', operation['x-kubernetes-action']),
    extension('x-kubernetes-group-version-kind', operation['x-kubernetes-group-version-kind']),
  ];
}

function queryParameter(name: string): Fields[] {
  return [field(2, 'query'), field(4, name), field(6, 'string'), yes(20)];
}

/** The value is YAML; JSON is a subset of it. */
function extension(name: string, value: unknown): Fields {
  return field(13, [field(1, name), field(2, [field(2, JSON.stringify(value))])]);
}
