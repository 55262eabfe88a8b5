// Generates the TypeScript shape of the API and the list of its fields from the CRD, its single source of truth.
// With --check it writes nothing and exits 1 when the committed file differs.
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';
import { type Definition, knownFields } from '../src/kubernetes/client/crd-fields.ts';
import { read, writeOrCheck } from './generated.ts';

export async function typesOf(crdYaml: string): Promise<string> {
  const crd = parse(crdYaml) as { spec: { versions: { name: string; schema: { openAPIV3Schema: JSONSchema } }[] } };
  const [version] = crd.spec.versions;
  if (!version) throw new Error('the CRD has no version');
  const { properties } = version.schema.openAPIV3Schema;
  const types = await compile(
    {
      type: 'object',
      required: ['spec'],
      properties: { spec: properties?.spec, status: properties?.status },
    } as JSONSchema,
    'RegistryReplicationBody',
    {
      additionalProperties: false,
      ignoreMinAndMaxItems: true,
      bannerComment: '// Generated from crds/registryreplications.yaml by npm run generate. Do not edit.',
      style: { singleQuote: true, printWidth: 120 },
    },
  );
  const fields = knownFields(parse(crdYaml) as Definition, version.name).map((field) => `  '${field}',\n`);
  return `${types}
/** The fields of the CRD, and the values of its enumerations. */
export const crdFields: readonly string[] = [\n${fields.join('')}];
`;
}

if (import.meta.main)
  writeOrCheck({
    'src/api/registryreplication.generated.ts': await typesOf(read('crds/registryreplications.yaml')),
  });
