// Reads Namespaces and ConfigMaps in Kubernetes' protobuf, which `kubectl create` sends; no other kind is accepted in it. The
// field numbers are those of k8s.io/apimachinery's and k8s.io/api's generated.proto.
import type { Json, JsonObject } from './object.ts';
import { type ReadFields, readFields } from './protobuf.ts';
import { badRequest } from './status.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** Precedes every object in protobuf. */
const magic = Buffer.from('k8s\0');

/** What is read besides the metadata. */
const contents: Readonly<Record<string, (fields: ReadFields) => JsonObject>> = {
  Namespace: () => ({}),
  ConfigMap: (fields) => ({ data: texts(fields, 2), binaryData: texts(fields, 3, 'base64') }),
};

export const isReadFromProtobuf = (kind: string) => Object.hasOwn(contents, kind);

export function objectFromProtobuf(kind: string, body: Buffer): Json {
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw badRequest('the body does not begin as an object in protobuf does');
  }
  const envelope = readFields(body.subarray(magic.length));
  const [type = Buffer.alloc(0)] = envelope.get(1) ?? [];
  const [object = Buffer.alloc(0)] = envelope.get(2) ?? [];
  const objectFields = readFields(object);
  const [metadata = Buffer.alloc(0)] = objectFields.get(1) ?? [];
  const typeFields = readFields(type);
  const fields = readFields(metadata);
  return {
    apiVersion: text(typeFields, 1) || 'v1',
    kind: text(typeFields, 2) || kind,
    metadata: {
      name: text(fields, 1),
      generateName: text(fields, 2),
      labels: texts(fields, 11),
      annotations: texts(fields, 12),
    },
    ...contents[kind]?.(objectFields),
  };
}

function text(fields: ReadFields, number: number, encoding: 'utf8' | 'base64' = 'utf8'): string {
  return fields.get(number)?.at(-1)?.toString(encoding) ?? '';
}

function texts(fields: ReadFields, number: number, encoding?: 'base64'): Record<string, string> {
  const entries = (fields.get(number) ?? []).map(readFields);
  return Object.fromEntries(entries.map((entry) => [text(entry, 1), text(entry, 2, encoding)]));
}
