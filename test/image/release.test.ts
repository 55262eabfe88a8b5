// Makes a whole release over base images made by this machine (see bases.ts), and looks at every file of it. Needs root and buildah.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import project from '../../package.json' with { type: 'json' };
import { sha256 } from '../../scripts/archive.ts';
import { currentCommit } from '../../scripts/commit.ts';
import { failureLine, makeRelease } from '../../scripts/release.ts';
import { buildImage } from '../../scripts/release-image.ts';
import { helm } from '../chart.ts';
import { type Deployment, findOnly, type Manifest } from '../manifests.ts';
import { type Images, sharedImages } from './images.ts';

const run = promisify(execFile);
const repository = 'registry.example.com:5000/team/acr-replication-operator';

const chart = `${project.name}-${project.version}.tgz`;

/** As OCI's image-spec has them. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Config {
  readonly os: string;
  readonly architecture: string;
  readonly created: string;
  readonly config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> };
}

describe('the release', () => {
  let home: string;
  let directory: string;
  let images: Images;
  let image: string;
  const environment = { ...process.env };

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'release-'));
    directory = join(home, 'release');
    images = await sharedImages();
    Object.assign(process.env, images.store.environment);
    image = await makeRelease(directory, { repository, base: images.bases.BASE });
    await mkdir(join(home, 'layout'));
    await run('tar', ['-xf', join(directory, 'image.tar'), '-C', join(home, 'layout')]);
  });
  after(async () => {
    process.env = environment;
    await rm(home, { recursive: true, force: true });
  });

  const read = (file: string) => readFile(join(directory, file), 'utf8');
  const objectsIn = async (file: string) =>
    parseAllDocuments(await read(file)).map((document) => document.toJS() as Manifest);
  const layout = async <T>(file: string): Promise<T> =>
    JSON.parse(await readFile(join(home, 'layout', file), 'utf8')) as T;
  const blob = <T>(digest: string) => layout<T>(`blobs/${digest.replace(':', '/')}`);
  const indexed = async () => (await layout<{ manifests: Descriptor[] }>('index.json')).manifests;

  /** Of each platform, in the index's order. */
  async function manifests(): Promise<ReadonlyMap<string, ImageManifest>> {
    const [index] = await indexed();
    const { manifests } = await blob<{ manifests: Descriptor[] }>(index?.digest ?? '');
    const found = manifests.map(
      async ({ digest, platform }) =>
        [`${platform?.os}/${platform?.architecture}`, await blob<ImageManifest>(digest)] as const,
    );
    return new Map(await Promise.all(found));
  }

  it('is a folder of these files, with nothing beside it', async () => {
    expect(await readdir(directory)).to.have.members([
      ...[
        'install.yaml',
        'crds.yaml',
        chart,
        'image.tar',
        'sbom.cdx.json',
        'LICENSE',
        'LICENSES.txt',
        'SHA256SUMS',
        'azure-role.json',
      ],
      ...['kubectl-georep', 'kubectl_complete-georep', 'kubectl-georep.LICENSES.txt', 'georep.yaml'],
      ...['kubectl-georep-linux-x64.tar.gz', 'kubectl-georep-linux-arm64.tar.gz'],
    ]);
    expect(await readdir(home)).to.have.members(['release', 'layout']);
  });

  it('has the checksum of every other file', async () => {
    const { stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: directory });
    const files = (await readdir(directory)).filter((file) => file !== 'SHA256SUMS');
    expect(stdout.trim().split('\n')).to.have.members(files.map((file) => `${file}: OK`));
  });

  it('has one index, with an image for each platform', async () => {
    const [index, ...others] = await indexed();
    expect(others).to.deep.equal([]);
    expect(index?.mediaType).to.equal('application/vnd.oci.image.index.v1+json');
    const found = await manifests();
    expect([...found.keys()]).to.deep.equal(['linux/amd64', 'linux/arm64']);
    const { revision, unixSeconds } = await currentCommit();
    for (const [platform, manifest] of found) {
      const { os, architecture, created, config } = await blob<Config>(manifest.config.digest);
      expect(`${os}/${architecture}`).to.equal(platform);
      expect(Date.parse(created)).to.equal(unixSeconds * 1000);
      expect(config.User).to.equal('65532:65532');
      expect(config.Labels).to.include({
        'org.opencontainers.image.version': project.version,
        'org.opencontainers.image.revision': revision,
        'org.opencontainers.image.base.name': images.bases.BASE,
      });
    }
  });

  it('has in its images Node for their platform, the same operator, and the bill of materials beside them', async () => {
    const machines: Readonly<Record<string, number>> = { 'linux/amd64': 62, 'linux/arm64': 183 };
    const operators = [];
    for (const [platform, { layers }] of await manifests()) {
      const root = await mkdtemp(join(home, 'root-'));
      for (const { digest } of layers)
        await run('tar', ['-xzf', join(home, 'layout/blobs', digest.replace(':', '/')), '-C', root]);
      const node = await readFile(join(root, 'nodejs/bin/node'));
      expect(node.readUInt16LE(18), "ELF's e_machine").to.equal(machines[platform]);
      const chunks = (await readdir(join(root, 'app/chunks'))).sort().map((name) => join('chunks', name));
      const files = ['main.mjs', ...chunks].map((name) => sha256(join(root, 'app', name)));
      operators.push((await Promise.all(files)).join());
      expect(await readFile(join(root, 'app/sbom.cdx.json'), 'utf8')).to.equal(await read('sbom.cdx.json'));
    }
    expect(operators[0]).to.equal(operators[1]);
  });

  it('has the image that the Dockerfile alone builds from the same commit, to the last byte', async () => {
    const digests = [...(await manifests()).values()].map(({ config }) => config.digest);
    expect(digests).to.include(images.operator.configDigest);
  });

  it('has the same index when it is made again', async () => {
    const work = join(home, 'second');
    const [commit, tag, base] = [await currentCommit(), project.version, images.bases.BASE];
    const { digest } = await buildImage({ work, tag, base, commit });
    expect(image).to.contain(digest);
  });

  it('names the index in its manifests and in its chart, by digest', async () => {
    const [index] = await indexed();
    expect(image).to.equal(`${repository}:${project.version}@${index?.digest}`);
    const { spec } = findOnly<Deployment>(await objectsIn('install.yaml'), 'Deployment');
    expect(spec.template.spec.containers.map((container) => container.image)).to.deep.equal([image]);
    const rendered = parseAllDocuments(await helm(['template', 'acr-replication-operator', join(directory, chart)]));
    const objects = rendered.map((document) => document.toJS() as Manifest);
    const [container] = findOnly<Deployment>(objects, 'Deployment').spec.template.spec.containers;
    expect(container.image).to.equal(`${repository}@${index?.digest}`);
  });

  it('has the version of package.json in every file that has one', async () => {
    const { version } = project;
    for (const file of ['install.yaml', 'crds.yaml'])
      for (const { kind, metadata } of await objectsIn(file))
        expect(metadata.labels?.['app.kubernetes.io/version'], `${file}, ${kind}`).to.equal(version);
    const { version: charted, appVersion } = parse(await helm(['show', 'chart', join(directory, chart)]));
    expect([charted, appVersion]).to.deep.equal([version, version]);
    expect(parse(await read('georep.yaml')).spec.version).to.equal(`v${version}`);
    expect(JSON.parse(await read('sbom.cdx.json')).metadata.component.version).to.equal(version);
    const { stdout } = await run(join(directory, 'kubectl-georep'), ['--version']);
    expect(stdout).to.equal(`${version}\n`);
  });

  it('is not touched by a later one that fails, which says why in one line', async () => {
    const { ino } = await stat(directory);
    const failing = makeRelease(directory, { repository, base: 'localhost/missing' });
    const reason = await failing.catch(failureLine);
    expect(reason).to.match(/^buildah build failed: .*localhost\/missing.*$/);
    expect((await stat(directory)).ino).to.equal(ino);
    expect((await readdir(home)).filter((name) => name.startsWith('release-'))).to.deep.equal([]);
  });

  it('has the archives that the krew manifest names', async () => {
    for (const { uri, sha256: expected } of parse(await read('georep.yaml')).spec.platforms)
      expect(await sha256(join(directory, uri.split('/').at(-1)))).to.equal(expected);
  });
});
