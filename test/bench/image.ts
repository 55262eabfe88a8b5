// The operator as in the image: the bundle, with node's flags and environment from the Dockerfile.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../scripts/build.ts';

export interface ImageStart {
  readonly entry: string;
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles into `directory`. Rejects as `imageSettings` does. */
export async function imageStart(directory: string): Promise<ImageStart> {
  const entry = join(directory, 'main.mjs');
  await bundle('src/main.ts', entry);
  return { entry, ...(await imageSettings()) };
}

/** Rejects if the Dockerfile is not in the expected form. */
export async function imageSettings(): Promise<Pick<ImageStart, 'nodeFlags' | 'env'>> {
  const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [, ...nodeFlags]: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]');
  if (nodeFlags.pop() !== '/app/main.mjs')
    throw new Error('The Dockerfile has no ENTRYPOINT that ends with the bundle.');
  const variables = /^ENV (.*)$/m.exec(dockerfile)?.[1]?.split(' ') ?? [];
  return { nodeFlags, env: Object.fromEntries(variables.map((variable) => variable.split('=', 2))) };
}
