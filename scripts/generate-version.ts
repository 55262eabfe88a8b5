// Writes the version of package.json wherever else it stands. With --check it writes nothing and exits 1 when a file has another one.
import { readFileSync, writeFileSync } from 'node:fs';
import project from '../package.json' with { type: 'json' };

/** What stands before the version, in each file that has it, as regular expressions. */
const places: Readonly<Record<string, readonly string[]>> = {
  // npm version writes it; this finds a package.json that was edited by hand.
  'package-lock.json': [`"name": "${project.name}",\\s+"version": "`],
  Dockerfile: ['org\\.opencontainers\\.image\\.version="'],
  'crds/registryreplications.yaml': ['georeplication\\.dev/version: '],
  'deploy/chart/Chart.yaml': ['\\bversion: ', 'appVersion: '],
  'deploy/base/kustomization.yaml': ['newTag: '],
  'deploy/components/labels/kustomization.yaml': ['app\\.kubernetes\\.io/version: '],
  'README.md': [`/${project.name}:`],
  'docs/install.md': [`${project.name}:`],
};

/** https://semver.org, without build metadata, which an image's tag cannot hold. */
const semanticVersion = '\\d+\\.\\d+\\.\\d+(?:-[\\w.-]*\\w)?';

/** Replaces the version after each of the texts. Throws where one of them has no version after it. */
export function withVersion(text: string, before: readonly string[], version: string): string {
  return before.reduce((changed, start) => {
    const pattern = new RegExp(`(?<=${start})${semanticVersion}`, 'g');
    if (!pattern.test(changed)) throw new Error(`no version stands after ${start}`);
    return changed.replaceAll(pattern, version);
  }, text);
}

if (import.meta.main)
  for (const [file, before] of Object.entries(places)) {
    const path = new URL(`../${file}`, import.meta.url);
    const text = readFileSync(path, 'utf8');
    try {
      const generated = withVersion(text, before, project.version);
      if (generated === text) continue;
      if (!process.argv.includes('--check')) writeFileSync(path, generated);
      else throw new Error(`the version is not ${project.version}: run npm run generate`);
    } catch (error) {
      console.error(`${file}: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
