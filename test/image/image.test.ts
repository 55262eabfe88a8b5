// Tests the image that the Dockerfile builds on base images made by this machine (see bases.ts), and the operator in it. Needs
// root, buildah and runc (Debian's packages of these names).
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect } from 'chai';
import project from '../../package.json' with { type: 'json' };
import { bundle } from '../../scripts/build.ts';
import { smoke } from '../smoke.ts';
import { type Image, startContainer } from './container.ts';
import { sharedImages } from './images.ts';

describe('the image', () => {
  let image: Image;
  /** Bytes of each regular file, by its path in the image. */
  let files: ReadonlyMap<string, number>;
  let filesOfBase: ReadonlyMap<string, number>;

  before(async () => {
    const { store, bases, operator } = await sharedImages();
    image = { config: await store.config(operator.image), root: await store.mount(operator.image) };
    files = await sizesIn(image.root);
    filesOfBase = await sizesIn(await store.mount(bases.BASE));
    const [whole, base] = [files, filesOfBase].map((sizes) => [...sizes.values()].reduce((sum, size) => sum + size, 0));
    const bundled = [...files].filter(([file]) => file.startsWith('/app/') && file.endsWith('.mjs'));
    const sizes = { whole, base, bundle: bundled.reduce((sum, [, size]) => sum + size, 0) };
    const formatted = Object.entries(sizes).map(([what, size = 0]) => `${what} ${(size / 1_048_576).toFixed(2)} MiB`);
    console.log(`the image, uncompressed: ${formatted.join(', ')}`);
  });

  it('adds to its base only the bundle, licences and the bill of materials', () => {
    const added = [...files.keys()].filter((file) => !filesOfBase.has(file)).sort();
    const names = ['LICENSE', 'LICENSES.txt', 'chunks', 'main.mjs', 'main.mjs.map', 'sbom.cdx.json'];
    const isChunk = /^\/app\/chunks\/[\w-]+\.mjs(\.map)?$/;
    const shown = added.map((file) => (isChunk.test(file) ? '/app/chunks' : file));
    expect([...new Set(shown)]).to.deep.equal(names.map((name) => `/app/${name}`));
  });

  it('contains the bundle of this source', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    const here = join(directory, 'main.mjs');
    await bundle('src/main.ts', here);
    for (const name of [
      'main.mjs',
      ...(await readdir(join(directory, 'chunks'))).map((chunk) => join('chunks', chunk)),
    ])
      expect((await readFile(join(image.root, 'app', name))).equals(await readFile(join(directory, name)))).to.equal(
        true,
      );
    expect(await readdir(join(image.root, 'app/chunks'))).to.have.members(await readdir(join(directory, 'chunks')));
    await rm(directory, { recursive: true });
  });

  it('has the labels of package.json', () => {
    const words = ['title', 'description', 'version', 'licenses'] as const;
    const { Labels } = image.config;
    const { name: title, description, version, license: licenses } = project;
    expect(Object.fromEntries(words.map((word) => [word, Labels[`org.opencontainers.image.${word}`]]))).to.deep.equal({
      title,
      description,
      version,
      licenses,
    });
  });

  it('runs as a non-root user that cannot write any file', async () => {
    const attempt = (file: string) => {
      try {
        process.getBuiltinModule('node:fs').writeFileSync(file, '');
        return 'written';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    const places = ['/here', '/app/main.mjs', '/tmp/here', '/nodejs/bin/node'];
    const script = `console.log(JSON.stringify([process.getuid(), process.getgid(), ...${JSON.stringify(places)}.map(${attempt})]))`;
    const { runc } = startContainer(image, { entrypoint: ['/nodejs/bin/node'], args: ['--eval', script] });
    expect(JSON.parse(await text(runc.stdout))).to.deep.equal([65532, 65532, 'EROFS', 'EROFS', 'EROFS', 'EROFS']);
  });

  it('runs the operator, which creates a replica and exits with 0', () =>
    smoke({ launch: (args, env) => startContainer(image, { args, env }).runc }));

  it('stops on a SIGTERM during its start, though it is process 1', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
    // Reading the kubeconfig from a pipe makes the operator wait.
    const pipe = join(directory, 'kubeconfig');
    await promisify(execFile)('mkfifo', ['--mode=644', pipe]);
    const args = ['--metrics-bind-address=0', '--health-probe-bind-address=0'];
    const container = startContainer(image, { args, env: { KUBECONFIG: pipe } });
    const ended = once(container.runc, 'exit');
    const writer = await open(pipe, 'w');
    // The kubelet's signal, too, comes from outside and to the process itself.
    process.kill(await container.pid(), 'SIGTERM');
    await writer.writeFile(unusedKubeconfig);
    await writer.close();
    expect(await ended).to.deep.equal([0, null]);
    await rm(directory, { recursive: true });
  });
});

/** Good enough to start with; no server listens there. */
const unusedKubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'unused',
  contexts: [{ name: 'unused', context: { cluster: 'unused', user: 'unused' } }],
  clusters: [{ name: 'unused', cluster: { server: 'https://127.0.0.1:9' } }],
  users: [{ name: 'unused', user: { token: 'none' } }],
});

async function sizesIn(root: string): Promise<ReadonlyMap<string, number>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [`/${relative(root, path)}`, (await stat(path)).size] as const)),
  );
}
