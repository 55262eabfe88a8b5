// Makes the Dockerfile's two base images from this machine's files, without a registry: the pinned Node and its C libraries, laid
// out as in the distroless image, and the same with npm and a shell to build in.
import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { nodeFor } from '../../scripts/build-executables.ts';
import { type ImageStore, ownPlatform } from './buildah.ts';

const run = promisify(execFile);

export interface Bases extends Readonly<Record<string, string>> {
  readonly BASE: string;
  readonly BUILD: string;
}

/** The base images as build arguments of the Dockerfile. */
export async function makeBases(store: ImageStore): Promise<Bases> {
  const [BASE, BUILD] = ['localhost/node', 'localhost/node-npm'];
  await store.make(BASE, {}, async (root) => {
    await install(process.execPath, join(root, '/nodejs/bin/node'), root);
    await mkdir(join(root, 'etc'));
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/root:\nnonroot:x:65532:65532::/home/nonroot:\n');
    await makeTemporaryDirectory(root);
  });
  const { env, certificates } = await npmSettings();
  await store.make(BUILD, { env }, async (root) => {
    await install(process.execPath, join(root, '/usr/local/bin/node'), root);
    for (const program of ['/bin/sh', '/usr/bin/env']) await install(program, join(root, program), root);
    const npm = dirname(dirname(await realpath((await run('sh', ['-c', 'command -v npm'])).stdout.trim())));
    await cp(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
    if (certificates) await place(certificates, join(root, certificates));
    await makeTemporaryDirectory(root);
  });
  return { BASE, BUILD };
}

/** Adds the other platform to `BASE`: no more than Node, since nothing runs in it here. */
export async function addOtherPlatform(store: ImageStore, { BASE }: Bases): Promise<void> {
  const [platform, cpu] =
    ownPlatform === 'linux/amd64' ? (['linux/arm64', 'arm64'] as const) : (['linux/amd64', 'x64'] as const);
  const work = await mkdtemp(join(tmpdir(), 'node-'));
  const node = await nodeFor(cpu, work);
  await store.make(BASE, { platform }, (root) => place(node, join(root, '/nodejs/bin/node')));
  await rm(work, { recursive: true });
}

/** npm's settings in the image, so that it uses the same registry as here. */
async function npmSettings() {
  const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    npm_config_registry: registry,
    ...(certificates && { NODE_EXTRA_CA_CERTS: certificates }),
  };
  return { env, certificates };
}

/** Copies a program to `to`, and its shared libraries to where the loader looks for them under `root`. */
async function install(program: string, to: string, root: string): Promise<void> {
  await place(program, to);
  const { stdout } = await run('ldd', [program]);
  for (const [library] of stdout.matchAll(/\/\S+/g)) await place(library, join(root, library));
}

async function place(file: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(file, to);
}

async function makeTemporaryDirectory(root: string): Promise<void> {
  await mkdir(join(root, 'tmp'));
  await chmod(join(root, 'tmp'), 0o1777);
}
