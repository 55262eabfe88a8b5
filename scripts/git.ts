// Asks git.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs git in the directory, and resolves to what it prints. A clone of another user is read too: root makes the image of a release. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-c', 'safe.directory=*', ...args], { cwd });
  return stdout;
}
