// The demo as a person uses it, on a cluster of their own (emulated, unless KUBEBUILDER_ASSETS is set): every command that its guide and
// the page on faults show works as it stands, from another folder.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { MapState } from '../../src/map/model.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { root } from '../manifests.ts';
import { MapClient, until } from '../map-client.ts';
import { commandsIn } from '../markdown.ts';
import { type DemoProcess, startDemo } from './demo-process.ts';

describeWithKubectl('npm run demo -- --kubeconfig FILE', () => {
  let cluster: TestCluster;
  let demo: DemoProcess;

  before(async () => {
    cluster = await startCluster();
    demo = await startDemo(['--kubeconfig', cluster.kubeconfig]);
    await demo.said('Ctrl-C ends everything.');
  });

  after(async () => {
    await demo?.close();
    await cluster?.close();
  });

  it('says which objects it sees', async () => {
    const [, label] = /see only objects in the namespace registries with the label (\S+)\.\n/.exec(demo.output()) ?? [];
    expect(label).to.match(/^georeplication\.dev\/demo=\w+$/);
    // What a reader applies to begin again has the label.
    expect(await readFile(join(demo.directory, 'myacr0007.yaml'), 'utf8')).to.contain(label?.replace('=', ': '));
  });

  it('names a file to source, and commands that work as they stand', async () => {
    const [source, ...commands] = demo.guide().filter((command) => /^(\.|kubectl|arm|push|georep) /.test(command));
    expect(source).to.equal(`. '${demo.directory}/env'`);
    expect(commands).to.have.length.above(8);
    // A watch never ends, and the last two end the object and begin again.
    const [begin = '', end = '', ...others] = commands.filter((command) => !command.endsWith(' -w')).toReversed();
    for (const command of others.toReversed()) await demo.shell(command);
    expect(await demo.shell('arm /replications')).to.contain('northeurope');

    await demo.shell(end);
    await demo.said(`No RegistryReplication is left. To begin again: ${begin}`);
    expect(await demo.shell('arm /replications')).not.to.match(/japaneast|westeurope|northeurope/);
    await demo.shell(begin);
    await demo.shell('kubectl wait georep -n registries myacr0007 --for=condition=Ready --timeout=2m');
  });

  it('names the address of its map before it applies anything; there everything is Ready', async () => {
    const [before = ''] = demo.output().split('Applying ');
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
    for (const command of commands) await demo.shell(command);
  });

  it('writes a log for people', async () => {
    expect(await readFile(join(demo.directory, 'operator.log'), 'utf8')).to.match(/^\S+Z INFO /m);
  });

  it('ends with exit code 0 on Ctrl-C, and deletes the object that it created', async () => {
    expect(await demo.interrupt()).to.equal(0);
    expect(demo.output()).to.contain('Deleted registries/myacr0007 from the cluster. Its namespace and the CRD stay.');
  });
});
