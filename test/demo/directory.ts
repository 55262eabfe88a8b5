// The folder that a demo writes into: one demo's at a time, for a second one's certificate would lock people out of the first.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes it where it is missing, and takes it. Resolves to what gives it back; rejects, with nothing changed, where a demo that
 * runs has it.
 */
export async function take(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'demo.pid');
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  if (owner > 0 && isRunning(owner)) {
    throw new Error(
      `A demo runs in ${directory} (process ${owner}): end it, or choose another folder with --directory. If that process is no demo, delete ${file}`,
    );
  }
  await writeFile(file, String(process.pid));
  return () => rm(file, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // somebody else's
  }
}
