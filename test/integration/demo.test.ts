import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('npm run demo -- --once', () => {
  let directory: string;
  let lines: string[];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'demo-'));
    // No faster: each state must last until the next pass, even if the machine pauses for a moment.
    const args = ['test/demo.ts', '--once', '--directory', directory];
    // Rejects if the exit code is not 0.
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
    lines = stdout.split('\n');
  });

  after(() => rm(directory, { recursive: true, force: true }));

  /** The states in the lines about a region, in order, without repetitions. */
  const statesOf = (region: string) => {
    const states = lines.map((line) => new RegExp(`^ *[\\d.]+s +${region} +(\\w+)`).exec(line)?.[1]);
    return [...new Set(states.filter((state) => state !== undefined))];
  };

  for (const region of ['japaneast', 'westeurope']) {
    it(`shows ${region} Absent until Azure has accepted the creation, then Creating, Syncing, Ready`, () => {
      expect(statesOf(region)).to.deep.equal(['Absent', 'Creating', 'Syncing', 'Ready']);
    });
  }

  it('shows the home region, marked as such, and always Ready', () => {
    expect(statesOf('eastus \\(home\\)')).to.deep.equal(['Ready']);
  });

  it('writes to Azure once per region, and never for the home region', () => {
    expect(lines.join('\n')).to.include('Azure saw 2 PUTs, none for eastus (home).');
  });

  it('prints no escape sequences outside of a terminal', () => {
    expect(lines.join('\n')).not.to.include('\x1b');
  });

  it('refuses the directory of a running demo, and leaves it unchanged', async () => {
    await writeFile(join(directory, 'demo.pid'), String(process.pid));
    const certificate = await readFile(join(directory, 'arm.pem'), 'utf8');
    const args = ['test/demo.ts', '--once', '--directory', directory];
    const { code, stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).then(
      () => expect.fail('it ran'),
      (error: { code: number; stdout: string }) => error,
    );
    expect(code).to.equal(1);
    expect(stdout).to.contain(`A demo runs in ${directory} (process ${process.pid})`);
    expect(await readFile(join(directory, 'arm.pem'), 'utf8')).to.equal(certificate);
  });
});
