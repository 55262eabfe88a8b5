// The commit that a release is made of.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const cwd = fileURLToPath(new URL('..', import.meta.url));

export interface Commit {
  /** Its hash; ends with -dirty if files differ from it. */
  readonly revision: string;
  readonly unixSeconds: number;
}

export async function currentCommit(): Promise<Commit> {
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { cwd })).stdout.trim();
  return {
    revision: await git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'),
    unixSeconds: Number(await git('log', '-1', '--format=%ct')),
  };
}
