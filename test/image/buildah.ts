// Builds and mounts images without a daemon, with buildah in a store of its own. Needs root.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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

export type Platform = 'linux/amd64' | 'linux/arm64';

/** Of this machine. */
export const ownPlatform: Platform = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

export interface MakeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Adds the image to an index of this name. */
  readonly platform?: Platform;
}

export interface ImageStore {
  /** Lets other programs use this store. */
  readonly environment: Readonly<Record<string, string>>;
  /** Builds from the repository's Dockerfile, for this machine's platform, and resolves to the digest of the image's configuration. */
  build(image: string, args: Readonly<Record<string, string>>, flags?: readonly string[]): Promise<string>;
  /** Makes an image of what `fill` puts into an empty directory. */
  make(image: string, options: MakeOptions, fill: (root: string) => Promise<void>): Promise<void>;
  config(image: string): Promise<ImageConfig>;
  /** The directory with all files of the image, until the store is closed. */
  mount(image: string): Promise<string>;
  close(): Promise<void>;
}

export async function openImageStore(): Promise<ImageStore> {
  const directory = await mkdtemp(join(tmpdir(), 'images-'));
  const configuration = join(directory, 'storage.conf');
  const settings = { driver: 'overlay', graphroot: join(directory, 'root'), runroot: join(directory, 'run') };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
  await writeFile(configuration, `[storage]\n${lines.join('')}`);
  const environment = { CONTAINERS_STORAGE_CONF: configuration };
  const buildah = async (...args: readonly string[]) => {
    const cwd = new URL('../..', import.meta.url);
    const options = { cwd, env: { ...process.env, ...environment }, maxBuffer: 16 * 1_048_576 };
    const { stdout } = await promisify(execFile)('buildah', args, options);
    return stdout.trim();
  };

  return {
    environment,
    async build(image, args, flags = []) {
      const buildArgs = Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`);
      const options = ['--isolation=chroot', '--pull-never', ...buildArgs, ...flags, `--tag=${image}`];
      const printed = await buildah('build', '--quiet', ...options, '.');
      return `sha256:${printed.split('\n').at(-1)}`;
    },
    async make(image, { env = {}, platform = ownPlatform }, fill) {
      const container = await buildah('from', `--platform=${platform}`, 'scratch');
      await fill(await buildah('mount', container));
      for (const [name, value] of Object.entries(env)) await buildah('config', `--env=${name}=${value}`, container);
      await buildah('config', `--arch=${platform.split('/')[1]}`, container);
      await buildah('commit', '--rm', `--manifest=${image}`, container);
    },
    async config(image) {
      return JSON.parse(await buildah('inspect', '--type=image', image)).OCIv1.config;
    },
    async mount(image) {
      return buildah('mount', await buildah('from', '--quiet', '--pull-never', image));
    },
    async close() {
      await buildah('umount', '--all');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
