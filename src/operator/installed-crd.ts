// Compares the installed CRD with the operator's own.
import { version as apiVersion, crdFields, crdName, crdVersion } from '../api/registryreplication.ts';
import { version } from '../config.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import { readDefinition } from '../kubernetes/client/crd.ts';
import { type Definition, fieldsBeyond, knownFields } from '../kubernetes/client/crd-fields.ts';
import { explain } from '../kubernetes/client/errors.ts';
import type { Log } from '../lib/log.ts';

const maxNamed = 5;

/** Logs which fields the installed CRD lacks and which the operator does not know. Never rejects: nothing depends on it. */
export async function reportInstalledCrd(cluster: KubeClient, log: Log): Promise<void> {
  try {
    for (const { level, sentence } of crdDifferences(await readDefinition(cluster, crdName))) log[level]({}, sentence);
  } catch (error) {
    log.info({}, `The CRD ${crdName} cannot be compared with this operator's own: ${explain(error)}`);
  }
}

interface Finding {
  readonly level: 'info' | 'warn';
  readonly sentence: string;
}

/** Empty if the definition has exactly the operator's fields. */
export function crdDifferences(installed: Definition): Finding[] {
  const fields = knownFields(installed, apiVersion);
  const [missing, unknown] = [fieldsBeyond(crdFields, fields), fieldsBeyond(fields, crdFields)];
  const installedVersion = installed.metadata?.annotations?.[crdVersion];
  const subject = `The CRD ${crdName} (${installedVersion ? `version ${installedVersion}` : 'without a version'})`;
  const operator = `this operator (version ${version})`;
  return [
    ...finding(missing, 'warn', (names) => [
      `${subject} lacks what ${operator} uses: ${names}.`,
      'The API server drops such fields and refuses such values: what objects ask for with them is not done, and the status is incomplete.',
      `Apply the CRD of version ${version}: with helm upgrade, crds.yaml of the release, or kubectl apply -k crds`,
    ]),
    // A spec may ask for what this operator does not do; a status only shows less.
    ...finding(unknown, unknown.some(isSpecField) ? 'warn' : 'info', (names) => [
      `${subject} has what ${operator} does not know and ignores: ${names}.`,
      'Upgrade the operator to the version of the CRD',
    ]),
  ];
}

function isSpecField(field: string): boolean {
  return field.startsWith('spec');
}

function finding(
  fields: readonly string[],
  level: Finding['level'],
  sentences: (names: string) => readonly string[],
): Finding[] {
  if (fields.length === 0) return [];
  const more = fields.length - maxNamed;
  const names = fields.slice(0, maxNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [{ level, sentence: sentences(names).join(' ') }];
}
