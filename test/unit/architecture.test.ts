// Proves that `npm run check` refuses import cycles and imports between folders that docs/architecture.md does not allow.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../..', import.meta.url));

const ofReplication = ['api/conditions.ts', 'azure/arm.ts', 'azure/region-catalog.ts', 'lib/clock.ts'];

const replication = [
  'replication/act.ts',
  'replication/location.ts',
  'replication/needs.ts',
  'replication/plan.ts',
  'replication/spec-change.ts',
];

const ofMap = [
  'api/conditions.ts',
  'azure/arm.ts',
  'azure/identity/token.ts',
  'azure/region-catalog.ts',
  'kubernetes/cache/store.ts',
  'kubernetes/client/client.ts',
  'lib/clock.ts',
  'map/page/main.ts',
  'replication/location.ts',
  'replication/needs.ts',
  'replication/spec-change.ts',
];
const ofPlugin = [...ofMap, 'map/model.ts', 'replication/plan.ts'];

/** A project with one file for each folder of src/, and which of the others that file may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'lib/clock.ts': [],
  'api/conditions.ts': ['lib/clock.ts'],
  'azure/arm.ts': ['azure/identity/token.ts', 'azure/region-catalog.ts', 'lib/clock.ts'],
  'azure/identity/token.ts': ['azure/arm.ts', 'azure/region-catalog.ts', 'lib/clock.ts'],
  'azure/region-catalog.ts': ['azure/arm.ts', 'azure/identity/token.ts', 'lib/clock.ts'],
  'kubernetes/cache/store.ts': ['kubernetes/client/client.ts', 'lib/clock.ts'],
  'kubernetes/client/client.ts': ['kubernetes/cache/store.ts', 'lib/clock.ts'],
  'map/model.ts': ofMap,
  'map/page/main.ts': [
    'api/conditions.ts',
    'lib/clock.ts',
    'map/model.ts',
    'replication/location.ts',
    'replication/spec-change.ts',
  ],
  'cli/program.ts': ['cli/commands/replicas.ts', ...ofPlugin],
  'cli/commands/replicas.ts': ['cli/program.ts', ...ofPlugin],
  ...Object.fromEntries(
    replication.map((file) => [file, [...ofReplication, ...replication.filter((other) => other !== file)]]),
  ),
  'telemetry/metrics.ts': [
    'api/conditions.ts',
    'azure/arm.ts',
    'azure/identity/token.ts',
    'azure/region-catalog.ts',
    'kubernetes/cache/store.ts',
    'kubernetes/client/client.ts',
    'lib/clock.ts',
    ...replication,
  ],
};
const composition = ['operator/azure.ts', 'operator.ts', 'config.ts', 'main.ts'];
/** Everything but the plugin. */
const ofComposition = [...Object.keys(allowed).filter((file) => !file.startsWith('cli/')), ...composition];

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

describe('the rules for imports', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'architecture-'));
    await copyFile(join(root, 'biome.json'), join(directory, 'biome.json'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function write(file: string, content: string): Promise<void> {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), content);
  }

  /** `file:line` of each violation in the project. */
  async function violations(rule: string): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none'];
    execFile(join(root, 'node_modules/.bin/biome'), args, { cwd: directory }, (_, stdout) => resolve(stdout));
    const { diagnostics } = JSON.parse(await promise) as { diagnostics: Diagnostic[] };
    return diagnostics
      .filter(({ category }) => category === rule)
      .map(({ location }) => `${location.path}:${location.start.line}`)
      .sort();
  }

  it('allow each folder only the imports of docs/architecture.md', async () => {
    const expected: string[] = [];
    const rules = [...Object.entries(allowed), ...composition.map((file) => [file, ofComposition] as const)];
    for (const [file, mayImport] of rules) {
      const others = [...Object.keys(allowed), ...composition].filter((other) => other !== file);
      const imports = others.map((other) => {
        const path = relative(dirname(file), other);
        return `import type {} from '${path.startsWith('.') ? path : `./${path}`}';\n`;
      });
      await write(`src/${file}`, imports.join(''));
      for (const [index, other] of others.entries())
        if (!mayImport.includes(other)) expected.push(`src/${file}:${index + 1}`);
    }
    expect(await violations('lint/style/noRestrictedImports')).to.deep.equal(expected.sort());
  });

  it('forbid cycles, also of types alone', async () => {
    await write('src/lib/one.ts', "import type { Two } from './two.ts';\nexport type One = Two | 1;\n");
    await write('src/lib/two.ts', "import type { One } from './one.ts';\nexport type Two = One[];\n");
    expect(await violations('lint/suspicious/noImportCycles')).to.deep.equal(['src/lib/one.ts:1', 'src/lib/two.ts:1']);
  });
});
