// The version: package.json has it, and everything else follows.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { withVersion } from '../../scripts/generate-version.ts';
import { packageVersion, root } from '../manifests.ts';

const sh = (command: string, cwd: string) => promisify(execFile)('sh', ['-euc', command], { cwd });

/** Where the version may stand without a change: what is about other versions, and data. */
const exempt = /^(package-lock\.json|CHANGELOG\.md|test\/(fixtures|golden)\/.*)$/;

describe('the version of package.json', () => {
  let copy: string;

  before(async () => {
    copy = await mkdtemp(join(tmpdir(), 'version-'));
    const isSource = (path: string) => !/^(node_modules|dist|\.git|\.demo)$/.test(path.slice(root.length));
    await cp(root, copy, { recursive: true, filter: isSource });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    await sh('npm version 7.8.9-rc.1 --no-git-tag-version', copy);
  });
  after(() => rm(copy, { recursive: true, force: true }));

  const read = (file: string) => readFile(join(copy, file), 'utf8');

  it('is changed everywhere by npm version', async () => {
    const files = (await readdir(copy, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(copy.length + 1))
      .filter((file) => !exempt.test(file));
    expect(files).to.include.members(['README.md', '.ci/run', 'src/main.ts']);
    const old = new RegExp(`(?<![\\w.])${packageVersion.replaceAll('.', '\\.')}(?![\\w]|\\.\\d)`);
    const named = await Promise.all(files.map(async (file) => (old.test(await read(file)) ? [file] : [])));
    expect(named.flat()).to.deep.equal([]);
    expect(await read('deploy/base/kustomization.yaml')).to.include('newTag: 7.8.9-rc.1\n');
  });

  it('leaves nothing for npm run generate to do', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const checks = (scripts.check ?? '').split(' && ').filter((command) => command.endsWith(' --check'));
    expect(checks).to.include('node scripts/generate-version.ts --check');
    await sh(checks.join('\n'), copy);
  });

  it('is refused elsewhere, by the name of the file', async () => {
    await sh('sed -i.bak "s/newTag: .*/newTag: 7.8.8/" deploy/base/kustomization.yaml', copy);
    const check = sh('node scripts/generate-version.ts --check', copy);
    expect(await check.catch(({ stderr }) => stderr)).to.equal(
      'deploy/base/kustomization.yaml: the version is not 7.8.9-rc.1: run npm run generate\n',
    );
  });

  it('must stand where a file is said to have it', () => {
    expect(withVersion('a: 1.2.3-rc.1 # 1.2.3', ['a: '], '2.0.0')).to.equal('a: 2.0.0 # 1.2.3');
    expect(() => withVersion('newTag: latest', ['newTag: '], '2.0.0')).to.throw('no version stands after newTag: ');
  });
});
