// The demo as a person uses it, on a cluster of their own (emulated, unless KUBEBUILDER_ASSETS is set): every command that its guide and
// the page on faults show works as it stands, from another folder.
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { MapState } from '../../src/map/model.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { MapClient, until } from '../map-client.ts';
import { commandsIn } from '../markdown.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describeWithKubectl('npm run demo -- --kubeconfig FILE', () => {
  let cluster: TestCluster;
  let directory: string;
  let demo: ChildProcessByStdio<null, Readable, null>;
  let output = '';

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'the demo-'));
    // Faster than people watch: no test here is about the states between.
    cluster = await startCluster();
    const args = ['test/demo.ts', '--speed', '8', '--directory', directory, '--kubeconfig', cluster.kubeconfig];
    demo = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    demo.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await said('Ctrl-C ends everything.');
  });

  after(async () => {
    if (demo.exitCode === null) {
      demo.kill('SIGKILL');
      await once(demo, 'close');
    }
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Resolves when the demo has said the text `times` times. */
  async function said(text: string, times = 1): Promise<void> {
    while (output.split(text).length <= times) {
      if (demo.exitCode !== null) throw new Error(`The demo ended before it said "${text}": ${output}`);
      await once(demo.stdout, 'data');
    }
  }

  /** Runs a command in a shell that has sourced `env`, in another folder. Rejects if it fails. */
  async function shell(command: string): Promise<string> {
    const script = `. '${directory}/env'\n${command}`;
    const env = { ...process.env, KUBE_EDITOR: 'true', KUBECACHEDIR: join(directory, 'cache') };
    const { stdout } = await promisify(execFile)('sh', ['-euc', script], { cwd: '/', env });
    expect(stdout, command).not.to.match(/^\{\s*"error"/);
    return stdout;
  }

  /** The indented lines of the guide. */
  const guide = () => output.split('\n').flatMap((line) => /^ {2}(\S.*)$/.exec(line)?.[1] ?? []);

  it('says which objects it sees', async () => {
    const [, label] = /see only objects in the namespace registries with the label (\S+)\.\n/.exec(output) ?? [];
    expect(label).to.match(/^georeplication\.dev\/demo=\w+$/);
    // What a reader applies to begin again has the label.
    expect(await readFile(join(directory, 'myacr0007.yaml'), 'utf8')).to.contain(label?.replace('=', ': '));
  });

  it('names a file to source, and commands that work as they stand', async () => {
    const [source, ...commands] = guide().filter((command) => /^(\.|kubectl|arm|push|georep) /.test(command));
    expect(source).to.equal(`. '${directory}/env'`);
    expect(commands).to.have.length.above(8);
    // A watch never ends, and the last two end the object and begin again.
    const [begin = '', end = '', ...others] = commands.filter((command) => !command.endsWith(' -w')).toReversed();
    for (const command of others.toReversed()) await shell(command);
    expect(await shell('arm /replications')).to.contain('northeurope');

    await shell(end);
    await said(`No RegistryReplication is left. To begin again: ${begin}`);
    expect(await shell('arm /replications')).not.to.match(/japaneast|westeurope|northeurope/);
    await shell(begin);
    await shell('kubectl wait georep -n registries myacr0007 --for=condition=Ready --timeout=2m');
  });

  it('names the address of its map before it applies anything; there everything is Ready', async () => {
    const [before = ''] = output.split('Applying ');
    const [, url = ''] = /^See it on the map, and click regions there: (\S+)$/m.exec(before) ?? [];
    const client = new MapClient(url);
    await client.open();
    const { data } = await until(client.messages(), ({ event }) => event === 'state');
    const { registries } = data as MapState;
    expect(registries.map(({ key, phase }) => [key, phase])).to.deep.equal([['registries/myacr0007', 'Ready']]);
  });

  it('takes every command of the page on faults', async () => {
    const page = await readFile(join(root, 'docs/troubleshooting.md'), 'utf8');
    const commands = commandsIn(page, 'Practise on the emulated Azure');
    expect(commands.filter((command) => command.startsWith('emulator'))).to.have.length.above(5);
    for (const command of commands) await shell(command);
  });

  it('writes a log for people', async () => {
    expect(await readFile(join(directory, 'operator.log'), 'utf8')).to.match(/^\S+Z INFO /m);
  });

  it('ends with exit code 0 on Ctrl-C, and deletes the object that it created', async () => {
    demo.kill('SIGINT');
    const [code] = (await once(demo, 'close')) as [number | null];
    expect(code).to.equal(0);
    expect(output).to.contain('Deleted registries/myacr0007 from the cluster. Its namespace and the CRD stay.');
  });
});
