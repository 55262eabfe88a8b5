// `npm run release`: makes everything that a release needs in dist/release/: manifests, the chart, the image, its bill of materials and
// licences, the plugin, and a SHA256SUMS over all of it. IMAGE is the image's repository, BASE its base image. The folder appears once all is done.
import { type ExecFileException, execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import project from '../package.json' with { type: 'json' };
import { archive, sha256 } from './archive.ts';
import { makeDist } from './build.ts';
import { makePlugins } from './build-executables.ts';
import { repositoryPattern } from './chart-schema.ts';
import { currentCommit } from './commit.ts';
import { helmDirectory } from './helm.ts';
import { packageChart } from './release-chart.ts';
import { buildImage } from './release-image.ts';
import { writeManifests } from './release-manifests.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

export interface ReleaseOptions {
  /** The image's repository, without a tag. */
  readonly repository: string;
  /** Default: the Dockerfile's. */
  readonly base?: string | undefined;
}

/** Makes the release in `directory`, replacing an earlier one there, and resolves to the image: `REPOSITORY:VERSION@DIGEST`. */
export async function makeRelease(directory: string, { repository, base }: ReleaseOptions): Promise<string> {
  // Fails early where buildah is not installed.
  await run('buildah', ['--version']);
  const commit = await currentCommit();
  const programs = await helmDirectory();
  await makeDist();
  await mkdir(dirname(directory), { recursive: true });
  const work = await mkdtemp(`${directory}-`);
  try {
    const made = join(work, 'made');
    await mkdir(made);
    const { digest, layout } = await buildImage({ work, tag: project.version, base, commit });
    await archive(join(made, 'image.tar'), layout);
    const image = { repository, digest };
    await writeManifests(made, { kubectl: join(programs, 'kubectl'), work, image });
    await packageChart(made, { helm: join(programs, 'helm'), work, image, commit });
    await makePlugins();
    for (const file of ['LICENSE', 'deploy/azure-role.json'])
      await copyFile(join(root, file), join(made, basename(file)));
    for (const name of fromDist) await copyFile(join(root, 'dist', name), join(made, name));
    await writeSums(made);
    await rm(directory, { recursive: true, force: true });
    await rename(made, directory);
    return `${repository}:${project.version}@${digest}`;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The executables themselves are in the archives, with their licences. */
const fromDist = [
  'LICENSES.txt',
  'sbom.cdx.json',
  'kubectl-georep',
  'kubectl_complete-georep',
  'kubectl-georep.LICENSES.txt',
  'kubectl-georep-linux-arm64.tar.gz',
  'kubectl-georep-linux-x64.tar.gz',
  'georep.yaml',
];

async function writeSums(directory: string): Promise<void> {
  const lines = [];
  for (const name of (await readdir(directory)).sort()) lines.push(`${await sha256(join(directory, name))}  ${name}\n`);
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''));
}

function optionsFrom(args: readonly string[], { IMAGE, BASE }: NodeJS.ProcessEnv): ReleaseOptions {
  if (args.length > 0) throw new Error(`unknown argument ${args[0]}: it takes only the variables IMAGE and BASE`);
  const example = `registry.example.com/team/${project.name}`;
  if (!IMAGE) throw new Error(`set IMAGE to the image's repository, such as ${example}`);
  if (!new RegExp(repositoryPattern).test(IMAGE))
    throw new Error(`IMAGE=${IMAGE} is not a repository such as ${example}`);
  return { repository: IMAGE, base: BASE || undefined };
}

/** What to say of a failed program, or of what this script refuses; undefined for a defect, which needs its stack. */
export function failureLine(error: unknown): string | undefined {
  const { code, signal, path = '', cmd, stderr = '' } = error as ExecFileException & { path?: string; stderr?: string };
  if (code === 'ENOENT' && cmd) return `${path} is missing: install the package ${path}`;
  if (cmd) {
    const [program = '', verb = ''] = cmd.split(' ');
    return `${basename(program)} ${verb} failed: ${stderr.trim().split('\n').at(-1) || (signal ?? `exit code ${code}`)}`;
  }
  const isDefect = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return error instanceof Error && !isDefect ? error.message : undefined;
}

if (import.meta.main) {
  try {
    const directory = join(root, 'dist/release');
    const image = await makeRelease(directory, optionsFrom(process.argv.slice(2), process.env));
    console.log(`dist/release: ${(await readdir(directory)).join(', ')}`);
    const [reference] = image.split('@');
    console.log(`Manifests and chart name ${image}. To push it:`);
    console.log(`skopeo copy --all --preserve-digests oci-archive:dist/release/image.tar docker://${reference}`);
  } catch (error) {
    const line = failureLine(error);
    if (line === undefined) throw error;
    console.error(`npm run release: ${line}`);
    process.exitCode = 1;
  }
}
