// `npm run release`: how it refuses, and the manifests that it makes. test/image/release.test.ts looks at a whole release.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeManifests } from '../../scripts/release-manifests.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { packageVersion, root } from '../manifests.ts';

describe('npm run release', () => {
  /** Without any program on PATH. */
  const release = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      const script = join(root, 'scripts/release.ts');
      execFile(
        process.execPath,
        [script, ...args],
        { env: { PATH: '/nonexistent', ...env } },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  const refusal = (line: string) => ({ code: 1, stdout: '', stderr: `npm run release: ${line}\n` });

  it('refuses arguments that it does not know', async () => {
    expect(await release(['--push'])).to.deep.equal(
      refusal('unknown argument --push: it takes only the variables IMAGE and BASE'),
    );
  });

  it('asks for the repository of the image', async () => {
    expect(await release()).to.deep.equal(
      refusal("set IMAGE to the image's repository, such as registry.example.com/team/acr-replication-operator"),
    );
  });

  it('refuses an image with a tag, which is the version', async () => {
    expect(await release([], { IMAGE: 'example.com/operator:1.0' })).to.deep.equal(
      refusal(
        'IMAGE=example.com/operator:1.0 is not a repository such as registry.example.com/team/acr-replication-operator',
      ),
    );
  });

  it('names the package of a program that is missing, and leaves nothing behind', async () => {
    expect(await release([], { IMAGE: 'example.com/operator' })).to.deep.equal(
      refusal('buildah is missing: install the package buildah'),
    );
    const left = (await readdir(join(root, 'dist')).catch(() => [])).filter((name) => name.startsWith('release-'));
    expect(left).to.deep.equal([]);
  });
});

describeWithKubectl('the manifests of a release', () => {
  const image = {
    repository: 'registry.example.com:5000/team/acr-replication-operator',
    digest: `sha256:${'0'.repeat(64)}`,
  };
  let cluster: TestCluster;
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'release-'));
    await writeManifests(directory, { kubectl: 'kubectl', work: directory, image });
    cluster = await startCluster({ crds: [] });
  });
  after(async () => {
    await cluster?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await kubectl(cluster.kubeconfig, args);
    expect(code, stderr).to.equal(0);
    return stdout;
  };

  /** As docs/install.md has it for the API server. */
  const apply = async (file: string) => {
    const { serverVersion } = JSON.parse(await run('version', '-o', 'json'));
    const how = Number.parseInt(serverVersion.minor, 10) < 23 ? '--validate=false' : '--server-side';
    return run('apply', how, '-f', join(directory, file));
  };

  it('make the API server serve objects', async () => {
    expect(await apply('crds.yaml')).to.match(/^customresourcedefinition\.\S+ (created|serverside-applied)$/m);
    await run('wait', '--for=condition=Established', 'crd/registryreplications.georeplication.dev', '--timeout=5m');
  });

  // The emulator has no Deployments.
  if (process.env.KUBEBUILDER_ASSETS)
    it('install the CRD, the operator and its rights with one command, and name the image by its digest', async () => {
      const applied = (await apply('install.yaml')).split('\n').map((line) => line.split('/')[0]);
      expect(applied[0]).to.match(/^customresourcedefinition\./);
      expect(applied[1]).to.equal('namespace');
      expect(applied).to.include.members(['deployment.apps', 'networkpolicy.networking.k8s.io']);
      const path = '{.spec.template.spec.containers[*].image}';
      const deployment = ['get', 'deployment', 'acr-replication-operator', '-n', 'acr-replication-system'];
      expect(await run(...deployment, '-o', `jsonpath=${path}`)).to.equal(
        `${image.repository}:${packageVersion}@${image.digest}`,
      );
    });
});
