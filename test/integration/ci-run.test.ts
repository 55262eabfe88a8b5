// The last lines of .ci/run, with stand-ins for npm, id and chromium.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
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

  /**
   * Runs it with an npm that does what these branches of a `case` say, and else reports three tests. Resolves when all of its processes
   * have ended, since each of them keeps the third pipe open.
   */
  async function run(branches: string): Promise<{ code: number | null; signal: string | null; lines: string[] }> {
    const npm = `#!/bin/sh\ncase "$*" in ${branches} *) echo '  3 passing (1s)';; esac\n`;
    await writeFile(join(directory, 'bin/npm'), npm, { mode: 0o755 });
    const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH}` };
    const child = spawn('bash', [join(directory, 'project/.ci/run')], {
      env,
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
      detached: true,
    });
    const closed = once(child, 'close');
    const stdout = await text(child.stdout as Readable);
    const [code, signal] = await closed;
    return { code, signal, lines: stdout.trim().split('\n') };
  }

  /** Its exit code and last two lines for this output of `npm run audit`. */
  async function ends(audit: string, code: number): Promise<{ code: number | null; lines: string[] }> {
    const outcome = await run(`*audit) echo '${audit}'; exit ${code};;`);
    return { code: outcome.code, lines: outcome.lines.slice(-2) };
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

  describe('with a kube-apiserver', () => {
    const fifo = () => join(directory, 'fifo');

    before(async () => {
      await mkdir(join(directory, 'shared/kube-apiserver'), { recursive: true });
      await writeFile(join(directory, 'shared/kube-apiserver/build.sh'), '');
      execFileSync('mkfifo', [fifo()]);
    });
    after(() => rm(join(directory, 'shared'), { recursive: true }));

    it('runs the chaos suites beside the others, prints their output last, and counts their tests', async () => {
      // A fifo opens when there is a reader and a writer.
      const outcome = await run(
        `*test:chaos) read line <'${fifo()}'; echo '  2 passing'; echo "$line";; *test:cluster) echo beside >'${fifo()}'; echo '  3 passing';;`,
      );
      expect(outcome.code).to.equal(0);
      expect(outcome.lines.slice(-5)).to.deep.equal([
        '> npm run test:chaos',
        '  2 passing',
        'beside',
        'audit:   3 passing (1s)',
        '17 passed, 0 failed',
      ]);
    });

    it('fails where one of them does', async () => {
      const chaos = await run("*test:chaos) echo '  2 passing'; echo '  1 failing'; exit 1;;");
      expect({ code: chaos.code, line: chaos.lines.at(-1) }).to.deep.equal({ code: 1, line: '17 passed, 1 failed' });
      const cluster = await run("*test:cluster) echo '  2 passing'; echo '  1 failing'; exit 1;;");
      expect({ code: cluster.code, line: cluster.lines.at(-1) }).to.deep.equal({
        code: 1,
        line: '17 passed, 1 failed',
      });
    });

    it('fails where the chaos suites pass without a test', async () => {
      expect((await run('*test:chaos) ;;')).code).to.equal(1);
    });

    const hang = 'tail -f /dev/null';
    const chaos = `*test:chaos) ${hang} & ${hang};;`;

    for (const signal of ['SIGTERM', 'SIGHUP'])
      it(`leaves no process behind when ${signal} ends it`, async () => {
        const kill = `kill -s ${signal.slice(3)} $PPID`;
        expect((await run(`${chaos} *test:cluster) ${kill}; exec ${hang};;`)).signal).to.equal(signal);
      });

    it('ends after Ctrl-C, and leaves no process behind', async () => {
      // As mocha does, the tests catch the signal, which goes to all of the foreground.
      const outcome = await run(`${chaos} *test:cluster) trap : INT; kill -s INT 0; echo '  3 passing';;`);
      expect(outcome.code).to.equal(130);
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
