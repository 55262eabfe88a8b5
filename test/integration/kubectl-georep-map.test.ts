// `kubectl georep map` as a process: the bundle serves the page, and works with the rights of its kubeconfig.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { expectPrinted } from '../golden/printed.ts';
import { MapClient, until } from '../map-client.ts';

/** What differs from run to run in the address. */
const secrets = /:\d+\/\?token=[\w-]{43}/;
const hidden = ':<port>/?token=<token>';

describeWithKubectl('kubectl georep map', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster } = georep);
  });
  after(() => georep?.close());

  it('prints the address of a page that needs no file beside the plugin, and ends with a signal', async () => {
    const child = plugin.start(cluster.kubeconfig, 'map --no-open -A');
    const ended = once(child, 'close');
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const url =
      /^The map of all namespaces is at (http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43})$/.exec(line)?.[1] ?? '';
    const client = new MapClient(url);
    await client.open();
    const page = await client.get('/');
    expect(page.text).to.contain('<title>Registry replicas</title>');
    for (const path of ['/map.js', '/map.css', '/icon.svg']) expect((await client.get(path)).text).not.to.equal('');
    const { data } = await until(client.messages(), ({ event }) => event === 'state');
    const kubectlArgs = ['--context', loadKubeConfig(cluster.kubeconfig).getCurrentContext()];
    expect(data).to.deep.include({ writable: true, hasEvents: true, kubectlArgs });
    await until(client.messages(), ({ data }) => data.contact.live);
    child.kill('SIGINT');
    const [code, signal] = await ended;
    await expectPrinted('map.table', {
      code: signal === 'SIGINT' ? 130 : code,
      stdout: `${line.replace(secrets, hidden)}\n`,
      stderr: '',
    });
  });

  it('prints the address as data with -o json', async () => {
    const child = plugin.start(cluster.kubeconfig, 'map --no-open -n registries -o json');
    const ended = once(child, 'close');
    let stdout = '';
    for await (const line of createInterface(child.stdout)) {
      stdout += `${line}\n`;
      if (line === '}') break;
    }
    child.kill('SIGINT');
    const [code, signal] = await ended;
    await expectPrinted('map.json', {
      code: signal === 'SIGINT' ? 130 : code,
      stdout: stdout.replace(secrets, hidden),
      stderr: '',
    });
  });

  it('opens the browser with an address that works once, since other users may read command lines', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'browser-'));
    const pipe = join(directory, 'address');
    execFileSync('mkfifo', [pipe]);
    await writeFile(join(directory, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" >${pipe}\n`, { mode: 0o755 });
    const env = { PATH: [directory, plugin.path].join(delimiter) };
    const child = plugin.start(cluster.kubeconfig, 'map', { env });
    const ended = once(child, 'close');
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const opened = new MapClient(await readFile(pipe, 'utf8'));
    const printed = new MapClient(line.replace(/^.* at /, ''));
    expect((await opened.open()).status).to.equal(200);
    expect((await opened.get('/map.js')).status).to.equal(200);
    expect((await opened.open()).status).to.equal(403);
    expect((await printed.open()).status).to.equal(200);
    child.kill('SIGINT');
    await ended;
    await rm(directory, { recursive: true });
  });

  it('refuses a port that is no number, and one that is in use', async () => {
    const { code, stderr } = await plugin.run(cluster.kubeconfig, 'map --no-open --port x');
    expect(code).to.equal(1);
    expect(stderr).to.contain('It must be a number up to 65535.');
    const { port } = new URL(cluster.url);
    expect(await plugin.run(cluster.kubeconfig, `map --no-open --port ${port}`)).to.deep.include({
      code: 1,
      stderr: `error: cannot serve the map on 127.0.0.1:${port}: the address is in use\n`,
    });
  });
});
