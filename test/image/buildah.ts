// Builds and mounts images without a daemon, with buildah in a store of its own. Needs root.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** OCI's image configuration. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface ImageStore {
  /** Builds from the repository's Dockerfile. */
  build(image: string, args: Readonly<Record<string, string>>): Promise<void>;
  /** Makes an image of what `fill` puts into an empty directory. */
  make(image: string, env: Readonly<Record<string, string>>, fill: (root: string) => Promise<void>): Promise<void>;
  config(image: string): Promise<ImageConfig>;
  /** The directory with all files of the image, until the store is closed. */
  mount(image: string): Promise<string>;
  close(): Promise<void>;
}

export async function openImageStore(): Promise<ImageStore> {
  const directory = await mkdtemp(join(tmpdir(), 'images-'));
  const store = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')];
  const buildah = async (...args: readonly string[]) => {
    const options = { cwd: new URL('../..', import.meta.url), maxBuffer: 16 * 1_048_576 };
    const { stdout } = await promisify(execFile)('buildah', [...store, ...args], options);
    return stdout.trim();
  };

  return {
    async build(image, args) {
      const buildArgs = Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`);
      await buildah('build', '--isolation=chroot', '--pull-never', ...buildArgs, `--tag=${image}`, '.');
    },
    async make(image, env, fill) {
      const container = await buildah('from', 'scratch');
      await fill(await buildah('mount', container));
      for (const [name, value] of Object.entries(env)) await buildah('config', `--env=${name}=${value}`, container);
      await buildah('commit', '--rm', container, image);
    },
    async config(image) {
      return JSON.parse(await buildah('inspect', '--type=image', image)).OCIv1.config;
    },
    async mount(image) {
      return buildah('mount', await buildah('from', '--pull-never', image));
    },
    async close() {
      await buildah('umount', '--all');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
