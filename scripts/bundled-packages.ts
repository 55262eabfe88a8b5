// Lists the npm packages whose code is in a bundle, by esbuild's metafile.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** As package.json says it: an SPDX id, or an expression of them. */
  readonly license: string | undefined;
  /** The contents of its licence and notice files. */
  readonly notices: readonly string[];
  /** Of the package as published, from package-lock.json: `sha512-` and base64. */
  readonly integrity: string;
  /** The other packages that its code in the bundle imports, as `identify` names them. */
  readonly requires: readonly string[];
}

export interface BundledPackages {
  /** In the order of their names. */
  readonly packages: readonly BundledPackage[];
  /** Those that the project itself imports, as `identify` names them. */
  readonly required: readonly string[];
}

export const identify = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;

/**
 * Rejects when package-lock.json does not know a package that was bundled, or has it for development only: `npm audit
 * --omit=dev` would not look at that.
 */
export async function bundledPackages(root: string, { inputs, outputs }: Metafile): Promise<BundledPackages> {
  const { packages: locked } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const files = Object.values(outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file);
  const folders = new Map<string, { name: string; version: string; license?: unknown }>();
  for (const folder of new Set(files.map(folderOf)))
    if (folder) folders.set(folder, JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')));

  const requiredFrom = (importer: string | undefined) => {
    const imports = files.filter((file) => folderOf(file) === importer).flatMap((file) => inputs[file]?.imports ?? []);
    const others = imports.map(({ path }) => folderOf(path)).filter((folder) => folder !== importer);
    const bundled = others.flatMap((folder) => (folder && folders.get(folder)) || []);
    return [...new Set(bundled.map(identify))].sort();
  };

  const packages = new Map<string, BundledPackage>();
  for (const [folder, { name, version, license }] of folders) {
    const { integrity, dev } = locked[folder] ?? {};
    if (!integrity || dev)
      throw new Error(
        `${folder} is bundled, and in package-lock.json it is ${dev ? 'for development only' : 'not to be found'}.`,
      );
    const earlier = packages.get(identify({ name, version }));
    packages.set(identify({ name, version }), {
      name,
      version,
      license: typeof license === 'string' ? license : undefined,
      notices: await noticesIn(join(root, folder)),
      integrity,
      requires: [...new Set([...(earlier?.requires ?? []), ...requiredFrom(folder)])].sort(),
    });
  }
  const byName = [...packages.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  return { packages: byName.map(([, bundled]) => bundled), required: requiredFrom(undefined) };
}

/** `node_modules/a/node_modules/@b/c` of a file in there; undefined for a file of the project. */
function folderOf(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

async function noticesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => /^(un)?licen[cs]e|^copying|^notice/i.test(name)).sort();
  return Promise.all(names.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()));
}
