// Generates the TypeScript shape of the API and the list of its fields from the CRD, its single source of truth.
// With --check it writes nothing and exits 1 when the committed file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';
import { type Definition, knownFields } from '../src/kubernetes/client/crd-fields.ts';

const crdFile = new URL('../crds/registryreplications.yaml', import.meta.url);
const typesFile = new URL('../src/api/registryreplication.generated.ts', import.meta.url);

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

if (import.meta.main) {
  const generated = await typesOf(readFileSync(crdFile, 'utf8'));
  if (!process.argv.includes('--check')) writeFileSync(typesFile, generated);
  else if (readFileSync(typesFile, 'utf8') !== generated) {
    console.error('src/api/registryreplication.generated.ts is stale: run npm run generate');
    process.exitCode = 1;
  }
}
