// Writes described registries as YAML for `kubectl apply -f -`, with comments for what an object cannot say. Pure.
import { oneLine, toYaml } from '../safe-text.ts';
import type { Described, Skipped } from './describe.ts';

/** One document for each registry; comments alone if there is none. */
export function importYaml(findings: readonly (Described | Skipped)[]): string {
  const skipped = findings.flatMap((finding) => (finding.kind === 'described' ? [] : skippedLine(finding)));
  const documents = findings.flatMap((finding) => (finding.kind === 'described' ? documentOf(finding) : []));
  const head = comments([
    'Applying this changes nothing in Azure. From then on the operator keeps it so: it deletes replicas in regions that are not listed,',
    'unless you add prune: Retain, and deleting the object deletes its replicas, unless you add deletionPolicy: Retain.',
  ]);
  const all = documents.length > 0 ? [head + (documents[0] ?? ''), ...documents.slice(1)] : [];
  return [...all, ...(skipped.length > 0 ? [comments(skipped)] : [])].join('---\n');
}

export function skippedLine({ registry, why }: Skipped): string {
  return `Skipped registry ${registry.name} in resource group ${registry.resourceGroup}: ${why}.`;
}

function documentOf({ manifest, notes }: Described): string {
  return comments(notes) + toYaml(manifest);
}

function comments(lines: readonly string[]): string {
  return lines.map((line) => `# ${oneLine(line)}\n`).join('');
}
