// The plugin as a single executable, on a machine without Node.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import project from '../../package.json' with { type: 'json' };
import { type Cpu, makeExecutables } from '../../scripts/build-executables.ts';
import { krewManifest } from '../../scripts/krew-manifest.ts';
import { startCluster, type TestCluster } from '../cluster.ts';

const cpu: Cpu | undefined =
  process.platform === 'linux' ? (['x64', 'arm64'] as const).find((one) => one === process.arch) : undefined;

describe('the executable of the plugin', () => {
  let directory: string;
  let cluster: TestCluster;

  before(async function () {
    if (cpu === undefined) return this.skip();
    directory = await mkdtemp(join(tmpdir(), 'executable-'));
    const made = await makeExecutables(directory, [cpu]);
    await rename(made.get(cpu) ?? '', join(directory, 'kubectl-georep'));
    cluster = await startCluster();
  });
  after(async () => {
    await cluster?.close();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  /** Without the tests' own Node on PATH. */
  function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { KUBECONFIG: cluster.kubeconfig, HOME: dirname(cluster.kubeconfig), PATH: directory };
    return new Promise((resolve) => {
      execFile(join(directory, 'kubectl-georep'), args, { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  it('holds no path of the folder in which it was made, so that the same source gives the same bytes', async () => {
    const content = await readFile(join(directory, 'kubectl-georep'));
    expect(content.includes(join(tmpdir(), 'executables-'))).to.equal(false);
  });

  it('says its version without a warning of Node', async () => {
    expect(await run('--version')).to.deep.equal({ code: 0, stdout: `${project.version}\n`, stderr: '' });
  });

  it('talks to the API server', async () => {
    expect(await run('-A', '-o', 'json')).to.deep.equal({ code: 0, stdout: '[]\n', stderr: '' });
  });
});

describe('the krew manifest', () => {
  it('has an archive and its hash for each kind of CPU', () => {
    const archives = (['x64', 'arm64'] as const).map((cpu) => ({
      cpu,
      archive: `${cpu}.tar.gz`,
      sha256: 'ab'.repeat(32),
    }));
    const { spec, metadata } = parse(krewManifest(project, archives));
    expect(metadata.name).to.equal('georep');
    expect(spec.version).to.equal(`v${project.version}`);
    expect(spec.shortDescription.length, "krew's limit").to.be.at.most(50);
    for (const line of spec.description.split('\n')) expect(line.length, "krew's limit").to.be.at.most(80);
    expect(spec.platforms.map(({ selector }: { selector: object }) => selector)).to.deep.equal([
      { matchLabels: { os: 'linux', arch: 'amd64' } },
      { matchLabels: { os: 'linux', arch: 'arm64' } },
    ]);
    for (const { bin, sha256, uri } of spec.platforms) {
      expect(bin).to.equal('kubectl-georep');
      expect(sha256).to.match(/^[0-9a-f]{64}$/);
      expect(uri).to.match(/^https:.*\.tar\.gz$/);
    }
  });
});
