// Locks the demo's directory: a second demo would overwrite the certificate of the first.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Creates the directory if it is missing, and locks it. Resolves to the function that unlocks it; rejects, with nothing changed,
 * if a running demo holds the lock.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
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
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // EPERM: another user's process
  }
}
