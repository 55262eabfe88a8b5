import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { bundle } from '../../../scripts/build.ts';
import { toSourcePositions } from '../../../src/lib/source-position.ts';

describe('positions in the bundle', () => {
  let directory: string;
  let stack: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'positions-'));
    const file = join(directory, 'extra-ca.mjs');
    await bundle('src/lib/extra-ca.ts', file);
    const { checkExtraCa } = await import(pathToFileURL(file).href);
    try {
      checkExtraCa({ NODE_EXTRA_CA_CERTS: '/nowhere' });
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('become positions in src/', () => {
    expect(stack).not.to.contain('src/lib/extra-ca.ts');
    expect(toSourcePositions(stack)).to.match(/checkExtraCa \(src\/lib\/extra-ca\.ts:\d+:\d+\)/);
  });

  it('stay as they are in a file without a map', () => {
    const frame = 'at run (file:///nowhere/other.mjs:3:7)';
    expect(toSourcePositions(frame)).to.equal(frame);
  });
});
