// The Helm chart of a release, whose default image is the release's.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import project from '../package.json' with { type: 'json' };
import type { Commit } from './commit.ts';
import { chartFiles } from './generate-chart.ts';
import { git } from './git.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../deploy/chart', import.meta.url));

export interface ChartOptions {
  /** The program. */
  readonly helm: string;
  /** A directory for what is only needed meanwhile. */
  readonly work: string;
  readonly image: { readonly repository: string; readonly digest: string };
  readonly commit: Pick<Commit, 'unixSeconds'>;
}

/** Writes the chart into the directory as helm names it, `NAME-VERSION.tgz`. The same options give the same bytes. */
export async function packageChart(directory: string, { helm, work, image, commit }: ChartOptions): Promise<void> {
  const chart = join(work, 'chart');
  await copyTracked(source, chart);
  const values = withImage(await readFile(join(source, 'values.yaml'), 'utf8'), image);
  await writeFile(join(chart, 'values.yaml'), values);
  // The README and the schema hold the default image too.
  for (const [path, text] of Object.entries(chartFiles(values)))
    await writeFile(
      join(chart, relative('deploy/chart', path)),
      path.endsWith('/README.md') ? withoutClone(text) : text,
    );
  // helm takes over the times of files.
  for (const file of await readdir(chart, { recursive: true }))
    await utimes(join(chart, file), commit.unixSeconds, commit.unixSeconds);
  await run(helm, ['package', chart, '--destination', directory]);
}

/** Copies the files that git tracks in a directory: untracked ones are not part of the commit that is released. */
export async function copyTracked(from: string, to: string): Promise<void> {
  for (const path of (await git(from, 'ls-files', '-z')).split('\0').filter(Boolean)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
}

/** The chart's README for a reader who has the chart alone, and not the repository around it. */
export function withoutClone(readme: string): string {
  return readme
    .replaceAll('](../../', `](${project.homepage}/`)
    .replaceAll(' deploy/chart ', ` ${project.name}-${project.version}.tgz `);
}

function withImage(values: string, { repository, digest }: ChartOptions['image']): string {
  const changed = values.replace(/^ {2}repository: .*$/m, `  repository: ${JSON.stringify(repository)}`);
  const text = changed.replace(/^ {2}digest: .*$/m, `  digest: ${digest}`);
  const { image } = parse(text) as { image: Partial<ChartOptions['image']> };
  if (image.repository !== repository || image.digest !== digest)
    throw new Error("deploy/chart/values.yaml has its image's repository and digest on other lines than expected");
  return text;
}
