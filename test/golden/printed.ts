// Compares what kubectl and the plugin print with the files beside this one. UPDATE_GOLDEN=1 writes them anew; read what changed.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KubectlOutcome } from '../emulators/kubectl.ts';
import { root } from '../manifests.ts';

/** @param file Relative to this folder. */
export async function expectGolden(file: string, text: string): Promise<void> {
  const golden = join(root, 'test/golden', file);
  if (process.env.UPDATE_GOLDEN) await writeFile(golden, text);
  expect(text).to.equal(await readFile(golden, 'utf8'));
}

/** `file` in the folder of the plugin, without its ending. */
export function expectPrinted(file: string, { code, stdout, stderr }: KubectlOutcome): Promise<void> {
  return expectGolden(`georep/${file}.txt`, `${stdout}${stderr}exit code ${code}\n`);
}
