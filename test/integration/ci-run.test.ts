// The last lines of .ci/run, with stand-ins for npm, id and chromium.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../manifests.ts';

describe('.ci/run', () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ci-'));
    await cp(join(root, '.ci/run'), join(directory, 'project/.ci/run'));
    await mkdir(join(directory, 'bin'));
    await writeFile(join(directory, 'bin/id'), '#!/bin/sh\necho 1000\n', { mode: 0o755 });
    await writeFile(join(directory, 'bin/chromium'), '#!/bin/sh\n', { mode: 0o755 });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Its exit code and last two lines for this output of `npm run audit`. */
  async function ends(audit: string, code: number): Promise<{ code: number; lines: string[] }> {
    const npm = `#!/bin/sh\ncase "$*" in *audit) echo '${audit}'; exit ${code};; *) echo '  3 passing (1s)';; esac\n`;
    await writeFile(join(directory, 'bin/npm'), npm, { mode: 0o755 });
    const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH}` };
    const outcome = await promisify(execFile)('bash', [join(directory, 'project/.ci/run')], { env }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    );
    return { code: outcome.code, lines: outcome.stdout.trim().split('\n').slice(-2) };
  }

  it('reports near its end that nothing was audited, and passes', async () => {
    expect(await ends('NOT AUDITED, for the registry gave no report', 0)).to.deep.equal({
      code: 0,
      lines: ['audit: NOT AUDITED, for the registry gave no report', '6 passed, 0 failed'],
    });
  });

  it('fails on a finding, and repeats it', async () => {
    expect(await ends('leftpad, high: Loses its head', 1)).to.deep.equal({
      code: 1,
      lines: ['audit: leftpad, high: Loses its head', '6 passed, 0 failed'],
    });
  });

  it('runs all tests, also those that npm test leaves out by default', async () => {
    expect(await readFile(join(root, '.ci/run'), 'utf8')).to.match(/TESTS=all tests npm cit/);
    const everything = (await readFile(join(root, 'test/all.txt'), 'utf8')).split('\n');
    expect(everything.filter(Boolean)).to.deep.equal(
      ['unit', 'integration', 'e2e'].map((folder) => `test/${folder}/**/*.test.ts`),
    );
  });

  for (const [list, folder] of [
    ['quick', 'integration'],
    ['modes', 'e2e'],
  ])
    it(`saves time by leaving out files that exist: test/${list}.txt`, async () => {
      const lines = (await readFile(join(root, `test/${list}.txt`), 'utf8')).split('\n');
      const patterns = lines.flatMap((line) => /^--ignore=(.*)$/.exec(line)?.[1] ?? []);
      expect(patterns).to.have.length.above(0);
      const all = await readdir(join(root, `test/${folder}`));
      for (const names of patterns.map((pattern) => /\{(.*)\}/.exec(pattern)?.[1]?.split(',') ?? []))
        for (const name of names)
          expect(
            all.filter((file) => file.startsWith(name)),
            name,
          ).not.to.be.empty;
    });
});
