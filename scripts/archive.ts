// Archives and hashes of files.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Packs what is in the directory into a .tar or .tar.gz. The same content gives the same bytes: owners, times and the umask are left out. */
export async function archive(file: string, directory: string): Promise<void> {
  const reproducible = ['--sort=name', '--format=ustar', '--mtime=@0', '--mode=u=rwX,go=rX', '--owner=0', '--group=0'];
  // By name: the directory itself may be readable by its owner only.
  const names = await readdir(directory);
  const args = [...reproducible, '--numeric-owner', '--auto-compress', '-cf', file, '-C', directory, ...names.sort()];
  await promisify(execFile)('tar', args);
}

/** In hexadecimal digits, as sha256sum prints it. */
export async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
