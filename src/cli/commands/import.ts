// `kubectl georep import`: prints the YAML that describes existing registries as they are, so that applying it plans nothing.
import type { Command } from 'commander';
import { ArmError, type RegistryReference } from '../../azure/arm.ts';
import type { FoundRegistry, Inventory } from '../../azure/inventory.ts';
import { isGuid } from '../../lib/guid.ts';
import { says } from '../../replication/region-state.ts';
import { azureMessage, withAzure } from '../azure.ts';
import { type Described, describeRegistry, type Manifest, objectNames, type Skipped } from '../import/describe.ts';
import { importYaml, skippedLine } from '../import/manifest.ts';
import { parseRegistryId } from '../import/registry-id.ts';
import type { GlobalOptions } from '../options.ts';
import { printData, printLines } from '../output.ts';
import { resourceName } from '../resource-name.ts';
import { oneLine } from '../safe-text.ts';
import { CliError, exitCode, type Session } from '../session.ts';

interface ImportOptions extends GlobalOptions {
  readonly registry?: string;
  readonly subscription?: string;
  readonly resourceGroup?: string;
}

type Finding = Described | Skipped;

/** Far below what ARM allows a caller: 250 reads at once, then 25 a second (Microsoft's article on ARM throttling, 2024). */
const registriesAtOnce = 8;

export function registerImport(program: Command, session: Session): void {
  program
    .command('import')
    .description('print the YAML of registries that exist in Azure, as they are; your own Azure credential reads them')
    .option('--registry <id>', 'one registry, by its id: az acr show --name NAME --query id')
    .option('--subscription <id>', 'all registries of a subscription')
    .option('--resource-group <name>', 'only those of this resource group; needs --subscription')
    .action((_: object, command: Command) => printImport(session, command.optsWithGlobals<ImportOptions>()));
}

async function printImport(session: Session, options: ImportOptions): Promise<void> {
  const scope = scopeOf(options);
  const findings = await withAzure(({ inventory }) => findingsIn(inventory, scope, options.namespace));
  const skipped = findings.filter((finding) => finding.kind !== 'described');
  const manifests = findings.flatMap((finding) => (finding.kind === 'described' ? finding.manifest : []));
  session.stderr.write(skipped.map((one) => `${oneLine(skippedLine(one))}\n`).join(''));
  if (findings.length === 0) session.stderr.write('No registries found.\n');
  if (options.output === 'json') printData(session, 'json', { apiVersion: 'v1', kind: 'List', items: manifests });
  else if (options.output === 'name')
    printLines(
      session,
      manifests.map(({ metadata }) => resourceName(metadata.name)),
    );
  else session.stdout.write(importYaml(findings));
  const isIncomplete =
    skipped.some(({ kind }) => kind === 'unreadable') || (scope.kind === 'registry' && skipped.length > 0);
  if (isIncomplete) session.exitCode = exitCode.error;
}

type Scope =
  | { readonly kind: 'registry'; readonly registry: RegistryReference }
  | { readonly kind: 'subscription'; readonly id: string; readonly resourceGroup: string | undefined };

/** @throws CliError */
function scopeOf({ registry, subscription, resourceGroup }: ImportOptions): Scope {
  if ((registry === undefined) === (subscription === undefined))
    throw new CliError('import needs either --registry ID or --subscription ID');
  if (registry === undefined) {
    if (!isGuid(subscription ?? ''))
      throw new CliError(
        '--subscription takes an id such as 00000000-0000-0000-0000-000000000000; az account list shows yours',
      );
    return { kind: 'subscription', id: subscription ?? '', resourceGroup };
  }
  if (resourceGroup !== undefined)
    throw new CliError('--resource-group goes with --subscription; the id of --registry has its own');
  const reference = parseRegistryId(registry);
  if (!reference)
    throw new CliError(
      '--registry takes an id such as /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mygroup/providers/Microsoft.ContainerRegistry/registries/myacr; get it with: az acr show --name myacr --query id --output tsv',
    );
  return { kind: 'registry', registry: reference };
}

async function findingsIn(inventory: Inventory, scope: Scope, namespace: string | undefined): Promise<Finding[]> {
  const registries =
    scope.kind === 'registry'
      ? [await inventory.registry(scope.registry)]
      : await inventory.registries(scope.id, scope.resourceGroup);
  const referenced = inOrder(registries);
  const names = objectNames(referenced.map(({ reference }) => reference.name));
  const named = referenced.map((one, n) => ({
    ...one,
    metadata: { name: names[n] ?? '', ...(namespace !== undefined && { namespace }) },
  }));
  const findings: Finding[] = [];
  for (let start = 0; start < named.length; start += registriesAtOnce) {
    const some = named.slice(start, start + registriesAtOnce);
    findings.push(...(await Promise.all(some.map((one) => findingOf(inventory, one)))));
  }
  return findings;
}

interface Referenced {
  readonly registry: FoundRegistry;
  readonly reference: RegistryReference;
}

/** By name, so that two imports of the same registries can be compared. */
function inOrder(registries: readonly FoundRegistry[]): Referenced[] {
  const referenced = registries.flatMap((registry) => {
    const reference = parseRegistryId(registry.id);
    return reference ? [{ registry, reference }] : [];
  });
  return referenced.sort((one, other) =>
    one.reference.name.toLowerCase() < other.reference.name.toLowerCase() ? -1 : 1,
  );
}

async function findingOf(
  inventory: Inventory,
  { registry, reference, metadata }: Referenced & Pick<Manifest, 'metadata'>,
): Promise<Finding> {
  try {
    // Other SKUs have no replicas: their list is not worth a request.
    const replicas = says(registry.sku, 'Premium') ? await inventory.replicas(reference) : [];
    return describeRegistry(reference, registry, replicas, metadata);
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    return { kind: 'unreadable', registry: reference, why: azureMessage(error) };
  }
}
