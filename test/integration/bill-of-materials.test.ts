// The bill of materials of a bundle: the packages in it and their licences.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { expect } from 'chai';
import { build, type Metafile } from 'esbuild';
import project from '../../package.json' with { type: 'json' };
import { bundle } from '../../scripts/build.ts';
import { type BundledPackages, bundledPackages } from '../../scripts/bundled-packages.ts';
import { sbomOf } from '../../scripts/sbom.ts';

const integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;

/** Writes the files; without a lock file among them, writes one with every package of node_modules. */
async function projectOf(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'project-'));
  const folders = Object.keys(files).flatMap((file) => (file.endsWith('/package.json') ? [dirname(file)] : []));
  const packages = Object.fromEntries(folders.map((folder) => [folder, { integrity }]));
  for (const [file, text] of Object.entries({ 'package-lock.json': JSON.stringify({ packages }), ...files })) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  return root;
}

async function metafileOf(root: string): Promise<Metafile> {
  const options = { bundle: true, format: 'esm', metafile: true, write: false } as const;
  return (await build({ ...options, absWorkingDir: root, entryPoints: ['main.mjs'] })).metafile;
}

describe('the bill of materials', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundle-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('lists the packages whose code is in the bundle, not those that are only installed or tree-shaken away', async () => {
    const manifest = (name: string, version: string, more = {}) =>
      JSON.stringify({ name, version, license: 'MIT', main: 'index.mjs', ...more });
    const root = await projectOf({
      'main.mjs': `import { used } from 'used'; import { shaken } from 'shaken'; import agent from 'agent'; console.log(used, agent);`,
      'node_modules/used/package.json': manifest('used', '1.0.0', { license: 'ISC' }),
      'node_modules/used/LICENSE.md': 'The licence of used\n',
      'node_modules/used/NOTICE': 'The notice of used\n',
      'node_modules/used/index.mjs': `export * from './lib/deeper.mjs';`,
      'node_modules/used/lib/deeper.mjs': `import agent from 'agent'; import scoped from '@scope/name'; export const used = [agent, scoped];`,
      'node_modules/used/node_modules/agent/package.json': manifest('agent', '2.0.0'),
      'node_modules/used/node_modules/agent/index.mjs': 'export default 2;',
      'node_modules/agent/package.json': manifest('agent', '1.0.0', {
        license: undefined,
        licenses: [{ type: 'MIT' }],
      }),
      'node_modules/agent/index.mjs': 'export default 1;',
      'node_modules/@scope/name/package.json': manifest('@scope/name', '3.0.0'),
      'node_modules/@scope/name/index.mjs': 'export default 3;',
      'node_modules/shaken/package.json': manifest('shaken', '4.0.0', { sideEffects: false }),
      'node_modules/shaken/index.mjs': 'export const shaken = 4;',
      'node_modules/installed/package.json': manifest('installed', '5.0.0'),
      'node_modules/installed/index.mjs': 'export default 5;',
    });
    expect(await bundledPackages(root, await metafileOf(root))).to.deep.equal({
      packages: [
        { name: '@scope/name', version: '3.0.0', license: 'MIT', notices: [], integrity, requires: [] },
        { name: 'agent', version: '1.0.0', license: undefined, notices: [], integrity, requires: [] },
        { name: 'agent', version: '2.0.0', license: 'MIT', notices: [], integrity, requires: [] },
        {
          name: 'used',
          version: '1.0.0',
          license: 'ISC',
          notices: ['The licence of used', 'The notice of used'],
          integrity,
          requires: ['@scope/name@3.0.0', 'agent@2.0.0'],
        },
      ],
      required: ['agent@1.0.0', 'used@1.0.0'],
    } satisfies BundledPackages);
    await rm(root, { recursive: true });
  });

  it('refuses development dependencies in the bundle, which are not audited', async () => {
    const root = await projectOf({
      'main.mjs': `import 'used';`,
      'node_modules/used/package.json': JSON.stringify({ name: 'used', version: '1.0.0', main: 'index.mjs' }),
      'node_modules/used/index.mjs': `try { require('tool'); } catch {}`,
      'node_modules/tool/package.json': JSON.stringify({ name: 'tool', version: '1.0.0' }),
      'node_modules/tool/index.js': `console.log('tool')`,
      'package-lock.json': JSON.stringify({
        packages: { 'node_modules/used': { integrity }, 'node_modules/tool': { integrity, dev: true } },
      }),
    });
    const refused = await bundledPackages(root, await metafileOf(root)).catch((error: Error) => error.message);
    expect(refused).to.equal('node_modules/tool is bundled, and in package-lock.json it is for development only.');
    await rm(root, { recursive: true });
  });

  it('of the operator is CycloneDX, with a dependency path from the operator to each package', async () => {
    const { metafile } = await bundle('src/main.ts', join(directory, 'main.mjs'));
    const bundled = await bundledPackages(fileURLToPath(new URL('../..', import.meta.url)), metafile);
    const sbom = JSON.parse(JSON.stringify(sbomOf(project, bundled)));
    const validate = await cycloneDx();
    expect(validate(sbom), JSON.stringify(validate.errors)).to.equal(true);

    const dependencies: { ref: string; dependsOn: string[] }[] = sbom.dependencies;
    const reached = new Set([sbom.metadata.component['bom-ref']]);
    for (const ref of reached)
      for (const required of dependencies.find((dependency) => dependency.ref === ref)?.dependsOn ?? [])
        reached.add(required);
    const components: { purl: string }[] = sbom.components;
    expect(components.map(({ purl }) => purl)).to.have.members([...reached].slice(1));
    expect(reached).to.include(`pkg:npm/%40azure/identity@${project.dependencies['@azure/identity']}`);
  });
});

/** The official schema, as shipped by the reference library. */
async function cycloneDx() {
  const library = dirname(fileURLToPath(import.meta.resolve('@cyclonedx/cyclonedx-library/package.json')));
  const schema = async (file: string) => JSON.parse(await readFile(join(library, 'res/schema', file), 'utf8'));
  // ajv does not know these formats; our document does not use them.
  const ajv = new Ajv({ strict: false, formats: { 'idn-email': true, 'iri-reference': true } });
  ajvFormats.default(ajv);
  for (const file of ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json'])
    ajv.addSchema(await schema(file), `http://cyclonedx.org/schema/${file}`);
  return ajv.compile(await schema('bom-1.6.SNAPSHOT.schema.json'));
}
