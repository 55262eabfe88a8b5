// `npm run build`: bundles src/main.ts with everything it imports into dist/main.mjs, the one file that the image holds.
// It neither checks types (npm run check does) nor minds the version of Node it runs on.
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param entry Relative to the repository. */
export async function bundle(entry = 'src/main.ts', outfile = 'dist/main.mjs'): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // Errors and stacks keep the names of the source; pino and the SDKs also tell classes by name.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    // CommonJS dependencies call require('node:…'), which an ES module does not have.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

if (import.meta.main) {
  await bundle();
  const { size } = await stat(new URL('../dist/main.mjs', import.meta.url));
  console.log(`dist/main.mjs ${(size / 1_048_576).toFixed(2)} MiB`);
}
