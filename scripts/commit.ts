// The commit that a release is made of.
import { fileURLToPath } from 'node:url';
import { git } from './git.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Commit {
  /** Its hash; ends with -dirty if files differ from it. */
  readonly revision: string;
  readonly unixSeconds: number;
}

export async function currentCommit(): Promise<Commit> {
  return {
    revision: (await git(root, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*')).trim(),
    unixSeconds: Number(await git(root, 'log', '-1', '--format=%ct')),
  };
}
