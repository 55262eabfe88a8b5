// The manifests of a release, rendered from crds/ and deploy/.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import project from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('..', import.meta.url));

export interface ManifestOptions {
  /** The program. */
  readonly kubectl: string;
  /** `REPOSITORY:TAG@DIGEST`. */
  readonly image: string;
}

/** Writes `install.yaml`, the CRD and the operator, and `crds.yaml`. */
export async function writeManifests(directory: string, { kubectl, image }: ManifestOptions): Promise<void> {
  const crds = await build(kubectl, { resources: ['crds'] });
  const all = await build(kubectl, { resources: ['crds', 'deploy'], image });
  if (!all.includes(`image: ${image}\n`))
    throw new Error(`deploy/base/kustomization.yaml does not name the image ${project.name}: undo its edits`);
  const header = (file: string) => `# ${project.name} ${project.version}: kubectl apply --server-side -f ${file}\n`;
  await writeFile(join(directory, 'crds.yaml'), header('crds.yaml') + crds);
  await writeFile(join(directory, 'install.yaml'), header('install.yaml') + all);
}

interface Overlay {
  /** Relative to the repository. */
  readonly resources: readonly string[];
  readonly image?: string;
}

/** Builds a kustomization in a directory of its own, with the objects in the order of the resources. */
async function build(kubectl: string, { resources, image = '' }: Overlay): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'release-'));
  try {
    const [, newName, newTag, digest] = /^(.+):([^:@]+)@(.+)$/.exec(image) ?? [];
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: resources.map((path) => relative(directory, join(root, path))),
      sortOptions: { order: 'fifo' },
      images: newName ? [{ name: project.name, newName, newTag, digest }] : [],
    };
    // JSON is YAML.
    await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));
    const { stdout } = await promisify(execFile)(kubectl, ['kustomize', directory], { maxBuffer: 2 ** 24 });
    return stdout;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
