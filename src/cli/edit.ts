// Carries out the edit of a spec: reads the object, patches it unless the spec was edited in between, and prints what came of it.
import { type Command, Option } from 'commander';
import type { RegistryReplication } from '../api/registryreplication.ts';
import { isMissing, isPatchRefused } from '../kubernetes/client/errors.ts';
import type { Cluster } from './cluster.ts';
import { resourceName } from './names.ts';
import { type OutputFormat, oneLine, printData, printLines } from './output.ts';
import { notListed } from './region-names.ts';
import { CliError, type Session } from './session.ts';
import { type Edit, NotListed, type SpecChange, specChange } from './spec-change.ts';
import { type GlobalOptions, withCluster } from './verb.ts';

export type DryRun = 'none' | 'client' | 'server';
const dryRuns = ['none', 'client', 'server'] as const;

export interface EditOptions extends GlobalOptions {
  readonly dryRun: DryRun;
  readonly anyRegion?: boolean;
}

/** Of other edits at the same time; more in a row are an edit war. */
const maxAttempts = 5;

export function dryRunOption(): Option {
  return new Option('--dry-run <where>', 'client: send nothing; server: store nothing')
    .default('none')
    .choices([...dryRuns]);
}

/** @param check Throws a CliError if the edit makes no sense for the object. */
export function editObject(
  session: Session,
  options: EditOptions,
  name: string,
  edit: Edit,
  check: (object: RegistryReplication) => void = () => undefined,
): Promise<void> {
  return withCluster(options, async (cluster) => {
    const { object, change } = await carryOut(cluster, name, edit, options.dryRun, check);
    printEdit(session, options.output, object, editWords(change, options.dryRun));
  });
}

interface Edited {
  readonly object: RegistryReplication;
  readonly change: SpecChange;
}

async function carryOut(
  cluster: Cluster,
  name: string,
  edit: Edit,
  dryRun: DryRun,
  check: (object: RegistryReplication) => void,
): Promise<Edited> {
  for (let attempt = 1; ; attempt++) {
    const object = await cluster.get(name);
    check(object);
    const change = changeOf(object, edit);
    if (change.words.length === 0) return { object, change };
    if (dryRun === 'client') return { object: change.after, change };
    try {
      return { object: await cluster.patch(name, change.operations, { dryRun: dryRun === 'server' }), change };
    } catch (error) {
      // A failed test and an invalid spec look alike; only the first is worth another attempt.
      if (attempt >= maxAttempts || !isPatchRefused(error) || !(await isEdited(cluster, object))) throw error;
    }
  }
}

/** True if the spec has another generation than that of `object`, or if the name is of another object now. */
async function isEdited(cluster: Cluster, { metadata }: RegistryReplication): Promise<boolean> {
  try {
    const { metadata: now } = await cluster.get(metadata.name);
    return now.uid !== metadata.uid || now.generation !== metadata.generation;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

function changeOf(object: RegistryReplication, edit: Edit): SpecChange {
  try {
    return specChange(object, edit);
  } catch (error) {
    throw error instanceof NotListed ? notListed(object, error.location) : error;
  }
}

function editWords({ words }: SpecChange, dryRun: DryRun): string {
  return `${words.length === 0 ? 'unchanged' : words.join(', ')}${dryRun === 'none' ? '' : ` (${dryRun} dry run)`}`;
}

/** The object as JSON or YAML, its name, or one line that says what has changed. */
export function printEdit(session: Session, output: OutputFormat, object: RegistryReplication, words: string): void {
  const name = resourceName({ object: object.metadata.name });
  if (output === 'json' || output === 'yaml') printData(session, output, withoutManagedFields(object));
  else printLines(session, [output === 'name' ? name : `${name}: ${oneLine(words)}`]);
}

/** The options of a verb whose last argument is its own command. */
export function editOptions(command: Command): EditOptions {
  const options = command.optsWithGlobals<EditOptions>();
  if (options.allNamespaces) throw new CliError('--all-namespaces makes no sense here: the verb edits one object');
  return options;
}

/** As kubectl prints objects without --show-managed-fields. */
function withoutManagedFields(object: RegistryReplication): RegistryReplication {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
