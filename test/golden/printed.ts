// Compares what the plugin prints with a file in test/golden/georep. UPDATE_GOLDEN=1 writes it anew; read what changed.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KubectlOutcome } from '../emulators/kubectl.ts';
import { root } from '../manifests.ts';

export async function expectPrinted(file: string, { code, stdout, stderr }: KubectlOutcome): Promise<void> {
  const printed = `${stdout}${stderr}exit code ${code}\n`;
  const golden = join(root, 'test/golden/georep', `${file}.txt`);
  if (process.env.UPDATE_GOLDEN) await writeFile(golden, printed);
  expect(printed).to.equal(await readFile(golden, 'utf8'));
}
