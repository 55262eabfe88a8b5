// The Kubernetes emulator as a program: its output, its kubeconfig and its exit.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { KubeConfig, VersionApi } from '@kubernetes/client-node';
import { expect } from 'chai';

describe('the Kubernetes emulator as a program', () => {
  let directory: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubernetes-emulator-'));
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  function start(...flags: string[]) {
    const started = spawn(process.execPath, ['test/emulators/kubernetes/main.ts', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    return started;
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`writes a working kubeconfig, prints how to use it, and exits cleanly on ${signal}`, async () => {
      const file = join(directory, 'kubeconfig');
      const program = start('--port', '0', '--kubeconfig', file, '--crd', 'crds/registryreplications.yaml');
      const printed: string[] = [];
      for await (const line of createInterface({ input: program.stdout })) {
        printed.push(line);
        if (line.startsWith('Ctrl-C')) break;
      }
      expect(printed.join('\n')).to.include(`export KUBECONFIG=${file}`);
      expect((await stat(file)).mode & 0o077).to.equal(0);
      const config = new KubeConfig();
      config.loadFromString(await readFile(file, 'utf8'));
      expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).to.match(/^v1\.33/);
      program.kill(signal);
      expect(await once(program, 'exit')).to.deep.equal([0, null]);
    });
  }

  it('reports in one line what is wrong with its flags or files', async () => {
    const port = start('--port', 'http');
    expect(await text(port.stderr)).to.match(/A port is a number/);
    const missing = start('--port', '0', '--kubeconfig', join(directory, 'k'), '--crd', join(directory, 'none.yaml'));
    const [complaint] = await Promise.all([text(missing.stderr), once(missing, 'exit')]);
    expect(complaint).to.match(/^The emulator did not start: ENOENT/);
    expect(missing.exitCode).to.equal(1);
  });
});
