// Renders the Helm chart of deploy/chart with helm, without a cluster.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { helmDirectory } from '../scripts/helm.ts';
import { operatorAccount } from './deployment.ts';
import { type Manifest, root } from './manifests.ts';

/** Runs helm in the repository's root; `input` is its stdin. Rejects with helm's error. */
export async function helm(args: readonly string[], input = ''): Promise<string> {
  const run = promisify(execFile)(join(await helmDirectory(), 'helm'), args, { cwd: root, maxBuffer: 2 ** 24 });
  run.child.stdin?.end(input);
  return (await run).stdout;
}

/** Renders the chart under the kustomizations' name, in their namespace. */
export async function renderChart(values: object = {}): Promise<Manifest[]> {
  const { name, namespace } = operatorAccount;
  const args = ['template', name, 'deploy/chart', '--namespace', namespace, '--values', '-'];
  return parseAllDocuments(await helm(args, JSON.stringify(values))).map((document) => document.toJS() as Manifest);
}
