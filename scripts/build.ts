// `npm run build`: bundles src/main.ts with everything it imports into dist/main.mjs, the one file that the image holds.
// It does not check types (npm run check does), and nothing of it is left at run time.
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param entry Relative to the repository, as is `outfile`. */
export async function bundle(entry = 'src/main.ts', outfile = 'dist/main.mjs'): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    // Syntax that older ones can read, for src/prelude.ts to say that they are too old.
    target: 'node18',
    format: 'esm',
    // Names stay: some dependencies tell classes by theirs. To shorten and restore them (keepNames) costs 256 bytes of memory for each
    // closure, 35 MB with the SDK's clients for 250 subscriptions.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    plugins: [mapOnlyOurOwn],
    // CommonJS dependencies call require('node:…'), which an ES module does not have.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** Says that every line of a file comes from the first of "dependency"; esbuild ignores a map that says less. */
const noMap = Buffer.from('{"version":3,"sources":["dependency"],"sourcesContent":[""],"mappings":"AAAA"}').toString(
  'base64',
);

/**
 * Leaves the dependencies out of the source map: with them, --enable-source-maps costs 80 MB of memory from the start
 * instead of 12 (measured with Node 24.21), to say where in other people's code an error passed by.
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

/** One character beyond Latin-1 in one dependency's regular expression, and V8 keeps two bytes for each of the whole bundle's. */
function narrow(source: string): string {
  return source.replace(/[\u0100-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

if (import.meta.main) {
  await bundle();
  const { size } = await stat(new URL('../dist/main.mjs', import.meta.url));
  console.log(`dist/main.mjs ${(size / 1_048_576).toFixed(2)} MiB`);
}
