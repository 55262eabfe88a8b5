// `npm run demo -- --follow`: the registry follows nodes that the demo adds and removes, and then those of a person, who types what
// the guide shows.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { root } from '../manifests.ts';
import { type DemoProcess, startDemo } from './demo-process.ts';

describe('npm run demo -- --follow', () => {
  it('shows with --once how the registry follows a node that comes, and what becomes of its region when it goes', async () => {
    const demo = await startDemo(['--follow', '--once']);
    try {
      await demo.said('The registry has followed the nodes. Azure saw 2 PUTs and 1 DELETE, none for eastus (home).');
      const lines = demo.output().replaceAll(/ +/g, ' ').split('\n');
      const about = (name: string) =>
        lines.flatMap((line) => new RegExp(`^ ?[\\d.]+s ${name} (.*)`).exec(line)?.[1] ?? []);
      expect(about('node web-2')).to.deep.equal(['is in westeurope', 'is gone']);
      const region = about('westeurope');
      const kept = region.indexOf('Ready Azure says Succeeded, Ready; unused, kept for 15s');
      expect(region.slice(0, kept).at(-1)).to.equal('Ready Azure says Succeeded, Ready; needed by nodes (1)');
      expect(kept).to.be.above(0);
      expect(region.at(-1)).to.equal('is gone');
      expect(demo.output()).not.to.include('\x1b');
    } finally {
      await demo.close();
    }
  });

  it('refuses a cluster of the user, whose nodes are not for it to add and remove', async () => {
    const args = ['test/demo.ts', '--follow', '--kubeconfig', 'kubeconfig'];
    const { code, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root }).then(
      () => expect.fail('it ran'),
      (error: { code: number; stderr: string }) => error,
    );
    expect(code).to.equal(1);
    expect(stderr).to.contain('--follow adds and removes nodes, and does so in its emulated cluster only');
  });
});

describeWithKubectl('the guide of npm run demo -- --follow', () => {
  let demo: DemoProcess;

  before(async () => {
    demo = await startDemo(['--follow']);
    await demo.said('Ctrl-C ends everything.');
  });
  after(() => demo?.close());

  /** Runs the commands of the guide that begin so, in order; resolves to what the last one printed. */
  async function type(...beginnings: readonly string[]): Promise<string> {
    let printed = '';
    for (const beginning of beginnings) {
      const command = demo.guide().find((line) => line.startsWith(beginning)) ?? expect.fail(`no ${beginning}`);
      printed = await demo.shell(command);
    }
    return printed;
  }

  it('has commands that work as they stand', async () => {
    const [source, ...commands] = demo.guide();
    expect(source).to.equal(`. '${demo.directory}/env'`);
    expect(commands).to.have.length.above(10);
    for (const command of commands.filter((line) => /^kubectl (get|describe) /.test(line))) await demo.shell(command);
    expect(await type('kubectl get nodes')).to.match(/^web-1 .* japaneast$/m);
    expect(await type('kubectl get georep -n registries myacr0007 -o jsonpath=')).to.match(
      /^japaneast\t\[\{"count":1,"source":"nodes"\}\]$/m,
    );
  });

  it('moves a node, and the registry with it', async () => {
    await type('kubectl label node web-1 --overwrite topology.kubernetes.io/region=koreacentral');
    await demo.said('koreacentral Ready Azure says Succeeded, Ready; needed by nodes (1)');
    await type('kubectl label node web-1 --overwrite topology.kubernetes.io/region=japaneast');
    await demo.said('koreacentral is gone');
  });

  it('shows that a source which names nothing removes nothing', async () => {
    await type('kubectl label node web-1 --overwrite topology.kubernetes.io/region=us-east-1');
    await demo.said('web-1 is in us-east-1');
    await type(
      'kubectl label node web-1 --overwrite topology.kubernetes.io/region=japaneast',
      'kubectl delete node web-1',
    );
    await demo.said('web-1 is gone');
    await demo.shell(
      `kubectl wait georep -n registries myacr0007 --for=jsonpath='{.status.sources[0].state}'=Empty --timeout=2m`,
    );
    expect(await demo.shell('arm /replications')).to.contain('japaneast');
  });

  it('deletes the object with its replicas, and begins again', async () => {
    const begin = demo.guide().at(-1) ?? '';
    await type('kubectl delete georep');
    await demo.said(`No RegistryReplication is left. To begin again: ${begin}`);
    expect(await demo.shell('arm /replications')).not.to.match(/japaneast|koreacentral/);
    await demo.shell(begin);
  });

  it('ends with exit code 0 on Ctrl-C', async () => {
    expect(await demo.interrupt()).to.equal(0);
  });
});
