// The page's files. This module is for a checkout, where it bundles them with esbuild when the map is first served; in a bundle
// scripts/map-page.ts puts the finished files in its place.
import type { Assets } from './server.ts';

export async function pageAssets(): Promise<Assets> {
  // biome-ignore lint/style/noRestrictedImports: only in a checkout, and never in a bundle.
  const { buildPage } = await import('../../scripts/map-page.ts');
  return buildPage();
}
