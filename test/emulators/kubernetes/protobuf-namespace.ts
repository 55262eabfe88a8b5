// Reads the metadata of a Namespace in Kubernetes' protobuf, the only object that is accepted in protobuf. The field numbers
// are those of k8s.io/apimachinery's and k8s.io/api's generated.proto.
import type { Json } from './object.ts';
import { type ReadFields, readFields } from './protobuf.ts';
import { badRequest } from './status.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** Precedes every object in protobuf. */
const magic = Buffer.from('k8s\0');

export function namespaceFromProtobuf(body: Buffer): Json {
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw badRequest('the body does not begin as an object in protobuf does');
  }
  const envelope = readFields(body.subarray(magic.length));
  const [type = Buffer.alloc(0)] = envelope.get(1) ?? [];
  const [object = Buffer.alloc(0)] = envelope.get(2) ?? [];
  const [metadata = Buffer.alloc(0)] = readFields(object).get(1) ?? [];
  const typeFields = readFields(type);
  const fields = readFields(metadata);
  return {
    apiVersion: text(typeFields, 1) || 'v1',
    kind: text(typeFields, 2) || 'Namespace',
    metadata: {
      name: text(fields, 1),
      generateName: text(fields, 2),
      labels: texts(fields, 11),
      annotations: texts(fields, 12),
    },
  };
}

function text(fields: ReadFields, number: number): string {
  return fields.get(number)?.at(-1)?.toString('utf8') ?? '';
}

function texts(fields: ReadFields, number: number): Record<string, string> {
  const entries = (fields.get(number) ?? []).map(readFields);
  return Object.fromEntries(entries.map((entry) => [text(entry, 1), text(entry, 2)]));
}
