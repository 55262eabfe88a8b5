// Carries out the edit of a spec: reads the object, patches it unless the spec was edited in between, and prints what came of it.
import type { RegistryReplication } from '../api/registryreplication.ts';
import { patchUnlessEdited } from '../kubernetes/client/conditional-patch.ts';
import type { PatchOperation } from '../lib/json-patch.ts';
import {
  changedSpec,
  type Edit,
  LastRegion,
  RegionNotListed,
  type SpecChange,
  specChange,
} from '../replication/spec-change.ts';
import { type Cluster, withCluster } from './cluster.ts';
import { stayingRegions } from './followed-regions.ts';
import type { DryRun, EditOptions } from './options.ts';
import { type OutputFormat, printData, printLines } from './output.ts';
import { notListedError } from './region-names.ts';
import { resourceName } from './resource-name.ts';
import { oneLine } from './safe-text.ts';
import { CliError, type Session } from './session.ts';

/** Each fails if others edit the spec in between. */
const maxAttempts = 5;

/** @param check Throws a CliError if the edit makes no sense for the object. */
export function editObject(
  session: Session,
  options: EditOptions,
  name: string,
  edit: Edit,
  check: (object: RegistryReplication) => void = () => undefined,
): Promise<void> {
  return withCluster(options, async (cluster) => {
    const { object, change } = await applyEdit(cluster, name, edit, options.dryRun, check);
    const outcome = [describeEdit(change, options.dryRun), ...stayingRegions(object, edit)].join('; ');
    printEdit(session, options.output, object, outcome);
  });
}

interface Edited {
  readonly object: RegistryReplication;
  readonly change: SpecChange;
}

async function applyEdit(
  cluster: Cluster,
  name: string,
  edit: Edit,
  dryRun: DryRun,
  check: (object: RegistryReplication) => void,
): Promise<Edited> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const object = await cluster.get(name);
    check(object);
    const change = changeOf(object, edit);
    if (change.summary.length === 0) return { object, change };
    if (dryRun === 'client') return { object: { ...object, spec: changedSpec(object.spec, change) }, change };
    const target = {
      get: () => cluster.get(name),
      patch: (operations: readonly PatchOperation[]) =>
        cluster.patch(name, operations, { dryRun: dryRun === 'server' }),
    };
    const stored = await patchUnlessEdited(target, object.metadata, change.operations);
    if (stored) return { object: stored, change };
  }
  throw new CliError(`others edited ${name} during each of ${maxAttempts} attempts; run the command again`);
}

function changeOf(object: RegistryReplication, edit: Edit): SpecChange {
  try {
    return specChange(object.spec, edit);
  } catch (error) {
    if (error instanceof RegionNotListed) throw notListedError(object, error.location, edit.kind);
    throw error instanceof LastRegion ? new CliError(error.message) : error;
  }
}

function describeEdit({ summary }: SpecChange, dryRun: DryRun): string {
  return `${summary.length === 0 ? 'unchanged' : summary.join(', ')}${dryRun === 'none' ? '' : ` (${dryRun} dry run)`}`;
}

/** The object as JSON or YAML, its name, or one line that says what has changed. */
export function printEdit(session: Session, output: OutputFormat, object: RegistryReplication, outcome: string): void {
  const name = resourceName(object.metadata.name);
  if (output === 'json' || output === 'yaml') printData(session, output, withoutManagedFields(object));
  else printLines(session, [output === 'name' ? name : `${name}: ${oneLine(outcome)}`]);
}

/** As kubectl prints objects without --show-managed-fields. */
function withoutManagedFields(object: RegistryReplication): RegistryReplication {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
