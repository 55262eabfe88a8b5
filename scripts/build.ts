// `npm run build`: makes dist/: the content of the image, which is main.mjs and its chunks with source maps, bundled from src/main.ts and everything
// it imports, and the licences and bill of materials of the bundled packages; and the kubectl plugin. npm run check checks the types.
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, parse, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from 'esbuild';
import project from '../package.json' with { type: 'json' };
import { bundledPackages } from './bundled-packages.ts';
import { leaveOutUnused, requireBuiltins } from './leave-out.ts';
import { LicenseError, licenseFile } from './licenses.ts';
import { embedMapPage } from './map-page.ts';
import { sbomOf } from './sbom.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Bundle {
  readonly bytes: number;
  readonly metafile: Metafile;
  /** Licence comments of the bundled code; the bundle itself leaves them out. */
  readonly legalComments: string;
}

/**
 * Writes the bundle, with the folder `chunks` and source maps beside it.
 * @param entry Relative to the repository, as is `outfile`.
 */
export function bundle(entry = 'src/main.ts', outfile = 'dist/main.mjs'): Promise<Bundle> {
  return writeBundle(dirname(outfile), {
    entryPoints: { [parse(outfile).name]: entry },
    format: 'esm',
    // What an import() loads is a file of its own, which is read when it is needed.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    sourcemap: 'linked',
    sourcesContent: false,
    plugins: [requireBuiltins, mapOnlyOurOwn],
    // CommonJS dependencies call require('node:…'), which an ES module does not have.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
}

/**
 * Writes the kubectl plugin, one executable file, and next to it the program that completes its command lines. Node takes a file without an extension for a CommonJS or an ES module depending on the
 * package.json around it, so the file is valid as both.
 */
export async function bundlePlugin(outfile = 'dist/kubectl-georep'): Promise<Bundle> {
  const made = await writeBundle(dirname(outfile), {
    entryPoints: ['src/cli/main.ts'],
    outfile: basename(outfile),
    format: 'iife',
    banner: { js: `#!/usr/bin/env node\n${requireInBoth}` },
    // What dependencies ask for to find their own files, none of which the plugin needs.
    define: { 'import.meta.url': '"file:///kubectl-georep"' },
  });
  const completion = join(dirname(resolve(root, outfile)), 'kubectl_complete-georep');
  await copyFile(join(root, 'src/cli/kubectl_complete-georep'), completion);
  for (const file of [resolve(root, outfile), completion]) await chmod(file, 0o755);
  return made;
}

/** Declares `require`, for Node's own modules only. Old versions of Node get past it, to the check of the version. */
const requireInBoth =
  'var require=process.getBuiltinModule?process.getBuiltinModule("node:module").createRequire(process.execPath):require;';

/** @param directory Relative to the repository, or absolute. */
async function writeBundle(directory: string, options: BuildOptions): Promise<Bundle> {
  const parts: Metafile[] = [];
  const { outputFiles, metafile } = await build({
    ...options,
    plugins: [leaveOutUnused, ...(options.plugins ?? []), embedMapPage((page) => parts.push(page))],
    absWorkingDir: root,
    // The names of chunks depend on it, because the paths in source maps do: it is the same wherever the files are written.
    ...(options.outfile === undefined ? { outdir: 'dist' } : { outfile: join('dist', options.outfile) }),
    bundle: true,
    platform: 'node',
    // Syntax that older versions of Node can parse, so that src/preflight.ts can report that they are too old.
    target: 'node18',
    // Names stay: some dependencies tell classes by theirs. To shorten and restore them (keepNames) costs 256 bytes of memory for each
    // closure, 35 MB with the SDK's clients for 250 subscriptions.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'external',
    metafile: true,
    // undici's experimental parser.
    define: { esbuildDetection: 'true', ...options.define },
    write: false,
    // debug uses it where it happens to be installed: only the tests bring it here.
    external: ['supports-color'],
    logLevel: 'warning',
  });
  const isLegal = ({ path }: OutputFile) => path.endsWith('.LEGAL.txt');
  const files = outputFiles.filter((file) => !isLegal(file));
  for (const { path, contents } of files) {
    const file = resolve(root, directory, relative(join(root, 'dist'), path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
  return {
    bytes: files.filter(({ path }) => !path.endsWith('.map')).reduce((sum, { contents }) => sum + contents.length, 0),
    metafile: merged([metafile, ...parts]),
    legalComments: outputFiles
      .filter(isLegal)
      .map(({ text }) => text)
      .join('\n'),
  };
}

/** What is in the page of the map is in the bundle too. */
function merged(metafiles: readonly Metafile[]): Metafile {
  return {
    inputs: Object.assign({}, ...metafiles.map(({ inputs }) => inputs)),
    outputs: Object.assign({}, ...metafiles.map(({ outputs }) => outputs)),
  };
}

/** Maps every line of a file to the first line of "dependency"; esbuild ignores a map that contains less. */
const noMap = Buffer.from('{"version":3,"sources":["dependency"],"sourcesContent":[""],"mappings":"AAAA"}').toString(
  'base64',
);

/**
 * Leaves the dependencies out of the source maps, which are three times as large with them, to say where in other people's code an
 * error passed by.
 */
const mapOnlyOurOwn: Plugin = {
  name: 'map-only-our-own',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => ({
      contents: `${narrow(await readFile(path, 'utf8'))}\n//# sourceMappingURL=data:application/json;base64,${noMap}`,
      loader: 'js',
    }));
  },
};

/** Escapes characters beyond Latin-1: with a single one, V8 stores the whole bundle with two bytes per character. */
function narrow(source: string): string {
  return source.replace(/[\u0100-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Makes `dist/` anew, but for a release in it. Rejects with a LicenseError when a package must not be bundled. */
export async function makeDist(): Promise<void> {
  const dist = join(root, 'dist');
  await mkdir(dist, { recursive: true });
  // scripts/release.ts keeps the last release in dist/release and works in dist/release-*.
  for (const name of await readdir(dist))
    if (!name.startsWith('release')) await rm(join(dist, name), { recursive: true, force: true });
  const { bytes, metafile, legalComments } = await bundle();
  const bundled = await bundledPackages(root, metafile);
  await writeFile(join(dist, 'LICENSES.txt'), licenseFile(bundled.packages, legalComments));
  await writeFile(join(dist, 'sbom.cdx.json'), `${JSON.stringify(sbomOf(project, bundled), undefined, 2)}\n`);
  console.log(`dist/main.mjs ${(bytes / 1_048_576).toFixed(2)} MiB, with code of ${bundled.packages.length} packages`);
  await makePlugin(dist);
}

/** The plugin, and the licences of what is bundled. */
async function makePlugin(dist: string): Promise<void> {
  const { bytes, metafile, legalComments } = await bundlePlugin();
  const { packages } = await bundledPackages(root, metafile);
  await writeFile(join(dist, 'kubectl-georep.LICENSES.txt'), licenseFile(packages, legalComments));
  console.log(`dist/kubectl-georep ${(bytes / 1_048_576).toFixed(2)} MiB, with code of ${packages.length} packages`);
}

if (import.meta.main) {
  try {
    await makeDist();
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
