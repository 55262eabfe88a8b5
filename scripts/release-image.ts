// The image of a release: an OCI image layout with one index of all platforms. The operator is bundled
// beforehand (dist/) in place of the Dockerfile's stage `build`; each platform only adds its base.
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Commit } from './commit.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

const platforms = ['linux/amd64', 'linux/arm64'] as const;

export interface ImageOptions {
  /** A directory for the layout and for what is only needed meanwhile. */
  readonly work: string;
  /** The layout's name for the image. */
  readonly tag: string;
  /** Default: the Dockerfile's. */
  readonly base?: string | undefined;
  readonly commit: Commit;
}

export interface ReleaseImage {
  /** The index's. The same commit, base and buildah give the same one. */
  readonly digest: string;
  /** The layout's directory. */
  readonly layout: string;
}

/** Needs `dist/` (`npm run build`). */
export async function buildImage({ work, tag, base, commit }: ImageOptions): Promise<ReleaseImage> {
  const [context, layout] = [join(work, 'context'), join(work, 'layout')];
  await fillContext(context);
  const list = `localhost/acr-replication-operator-release:${process.pid}`;
  const args = [
    `--manifest=${list}`,
    `--file=${join(root, 'Dockerfile')}`,
    `--build-context=build=${context}`,
    ...(base ? [`--build-arg=BASE=${base}`] : []),
    `--label=org.opencontainers.image.revision=${commit.revision}`,
    `--timestamp=${commit.unixSeconds}`,
  ];
  const images: string[] = [];
  try {
    // One by one: buildah adds those that it builds together in a random order.
    for (const platform of platforms) {
      const { stdout } = await run('buildah', ['build', '--quiet', `--platform=${platform}`, ...args, context]);
      images.push(stdout.trim());
    }
    await run('buildah', ['manifest', 'push', '--all', '--quiet', list, `oci:${layout}:${tag}`]);
  } finally {
    // Images that something else uses stay.
    await run('buildah', ['manifest', 'rm', list]).catch(() => {});
    await run('buildah', ['rmi', ...images]).catch(() => {});
  }
  const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  return { digest: manifests[0].digest, layout };
}

/** Copies what the Dockerfile copies, from the repository and from its stage, with modes that do not depend on the umask. */
async function fillContext(directory: string): Promise<void> {
  await mkdir(join(directory, 'source/dist/chunks'), { recursive: true });
  const copy = async (from: string, to: string) => {
    await copyFile(join(root, from), join(directory, to));
    await chmod(join(directory, to), 0o644);
  };
  await copy('LICENSE', 'LICENSE');
  const chunks = (await readdir(join(root, 'dist/chunks'))).map((name) => `chunks/${name}`);
  for (const name of ['main.mjs', 'main.mjs.map', ...chunks, 'LICENSES.txt', 'sbom.cdx.json'])
    await copy(`dist/${name}`, `source/dist/${name}`);
}
