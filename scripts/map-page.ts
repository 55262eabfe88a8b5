// Bundles the page of the map (src/map/page/) into one script and one stylesheet, and puts them into the bundle of a program.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import type { Assets } from '../src/map/server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = 'src/map/page';

/** The files that the server serves. */
export async function buildPage(): Promise<Assets> {
  return (await bundlePage()).assets;
}

/** `metafile` says which packages are in the script. */
export async function bundlePage(): Promise<{ readonly assets: Assets; readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { map: `${folder}/main.ts`, style: `${folder}/style.css` },
    outdir: 'dist/page',
    bundle: true,
    platform: 'browser',
    // Browsers since 2024.
    target: ['chrome120', 'firefox121', 'safari17'],
    format: 'iife',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const assets: Assets = {
    '/': { type: 'text/html; charset=utf-8', content: await readFile(`${root}${folder}/index.html`, 'utf8') },
    '/map.js': { type: 'text/javascript; charset=utf-8', content: textOf('map.js') },
    '/map.css': { type: 'text/css; charset=utf-8', content: textOf('style.css') },
    '/icon.svg': { type: 'image/svg+xml', content: await readFile(`${root}${folder}/icon.svg`, 'utf8') },
  };
  return { assets, metafile };
}

/** Replaces src/map/assets.ts by the finished files. @param onBuilt Called with what esbuild says of the page. */
export function embedMapPage(onBuilt: (metafile: Metafile) => void): Plugin {
  return {
    name: 'embed-map-page',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/]map[\\/]assets\.ts$/ }, async () => {
        const { assets, metafile } = await bundlePage();
        onBuilt(metafile);
        return { contents: `export const pageAssets = async () => (${JSON.stringify(assets)});`, loader: 'js' };
      });
    },
  };
}
