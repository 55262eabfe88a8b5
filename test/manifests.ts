// Builds the kustomizations of deploy/ and crds/ with kubectl.
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The version of package.json. */
export const packageVersion = (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }).version;

/** Every folder for `kubectl apply -k`, relative to the repository's root. */
export const kustomizations = globSync('{crds,deploy}/**/kustomization.yaml', { cwd: root })
  .filter((file) => parse(readFileSync(`${root}/${file}`, 'utf8')).kind === 'Kustomization')
  .map(dirname)
  .sort();

/** A Kubernetes object; the other fields depend on its kind. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Runs `kubectl kustomize`; `folder` is relative to the repository's root. Rejects with kubectl's error. */
export async function buildKustomization(folder: string): Promise<Manifest[]> {
  const { stdout } = await promisify(execFile)('kubectl', ['kustomize', folder], { cwd: root, maxBuffer: 2 ** 24 });
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
}

/**
 * Builds a kustomization of a user's own, which names folders of the repository as deploy/… and stands beside `files`, by name.
 */
export async function buildOverlay(text: string, files: Readonly<Record<string, string>> = {}): Promise<Manifest[]> {
  const directory = await mkdtemp(join(tmpdir(), 'kustomization-'));
  try {
    const kustomization = text.replaceAll(/\b(?:crds|deploy)\b[\w/-]*/g, (path) =>
      relative(directory, `${root}/${path}`),
    );
    for (const [name, content] of Object.entries({ ...files, 'kustomization.yaml': kustomization }))
      await writeFile(join(directory, name), content);
    return await buildKustomization(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The only object of this kind. */
export function findOnly<T extends Manifest>(manifests: readonly Manifest[], kind: string): T {
  const [found, ...more] = manifests.filter((manifest) => manifest.kind === kind);
  if (!found || more.length) throw new Error(`${found ? more.length + 1 : 'no'} ${kind} where one was expected`);
  return found as T;
}

/** The fields of the operator's Deployment that tests read. */
export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas: number;
    readonly selector: LabelSelector;
    readonly template: { readonly metadata: Manifest['metadata']; readonly spec: PodSpec };
  };
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly [Container];
  readonly volumes?: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  readonly envFrom?: readonly { readonly secretRef: { readonly name: string; readonly optional?: boolean } }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly ports: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

interface Volume extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
}

/** The environment variables with literal values. */
export function literalEnv({ env }: Pick<Container, 'env'>): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
