// The manifests of a release, rendered from crds/ and deploy/.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import project from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('..', import.meta.url));

export interface ManifestOptions {
  /** The program. */
  readonly kubectl: string;
  /** A directory for what is only needed meanwhile. */
  readonly work: string;
  /** Its tag is the version. */
  readonly image: { readonly repository: string; readonly digest: string };
}

/** Writes `install.yaml`, the CRD and the operator, and `crds.yaml`. */
export async function writeManifests(directory: string, options: ManifestOptions): Promise<void> {
  const { repository, digest } = options.image;
  const crds = await build(['crds'], options);
  const all = await build(['crds', 'deploy'], options);
  if (!all.includes(`image: ${repository}:${project.version}@${digest}\n`))
    throw new Error(`deploy/base/kustomization.yaml does not name the image ${project.name}: undo its edits`);
  const header = (file: string) => `# ${project.name} ${project.version}: kubectl apply --server-side -f ${file}\n`;
  await writeFile(join(directory, 'crds.yaml'), header('crds.yaml') + crds);
  await writeFile(join(directory, 'install.yaml'), header('install.yaml') + all);
}

/** Builds a kustomization of folders of the repository, with the objects in their order. */
async function build(folders: readonly string[], { kubectl, work, image }: ManifestOptions): Promise<string> {
  const directory = join(work, 'kustomization');
  await mkdir(directory, { recursive: true });
  const { repository: newName, digest } = image;
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: folders.map((folder) => relative(directory, join(root, folder))),
    sortOptions: { order: 'fifo' },
    images: [{ name: project.name, newName, newTag: project.version, digest }],
  };
  // JSON is YAML.
  await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', directory], { maxBuffer: 2 ** 24 });
  return stdout;
}
