// `kubectl georep` at a pseudo-terminal: what a user sees there.
import { once } from 'node:events';
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'chai';
import { group, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import type { KubectlOptions } from '../emulators/kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { play } from '../golden/play.ts';
import { settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';
import { kubeApi } from '../kube-api.ts';

const namespace = 'registries';
const size = { columns: 80, rows: 24 };
const [yellow, green] = ['\x1b[33m', '\x1b[32m'];

describeWithKubectl('kubectl georep at a terminal', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;
  let client: KubeClient;

  before(async function () {
    // `script` of other systems takes other flags.
    if (process.platform !== 'linux') return this.skip();
    georep = await startGeorep();
    ({ plugin, cluster, client } = georep);
    await createNamespace(client, namespace);
    await storeScenario(client, namespace, 'syncing', await play(settings.Syncing ?? {}));
  });
  const stops: (() => Promise<void>)[] = [];
  // A plugin that a failed test leaves running would hold the whole run.
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  after(() => georep?.close());

  /** Starts the plugin until the test's end. `shows` resolves to the lines on the terminal when they are as wanted. */
  function start(args: string, { columns, rows } = size, options: KubectlOptions = {}) {
    const child = plugin.startAtTerminal(cluster.kubeconfig, `${args} -n ${namespace}`, { columns, rows }, options);
    let written = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
    const ended = once(child, 'close');
    stops.push(async () => {
      child.kill();
      await ended;
    });
    return {
      written: () => written,
      ended: () => ended,
      shows: async (isWanted: (lines: string[]) => boolean): Promise<string[]> => {
        for (;;) {
          const lines = shownBy(written);
          if (isWanted(lines)) return lines;
          if (child.exitCode !== null) throw new Error(`it has ended: ${written}`);
          await Promise.race([once(child.stdout, 'data'), ended]);
        }
      },
    };
  }

  async function setState(location: string, state: 'Ready' | 'Syncing'): Promise<void> {
    const api = kubeApi(client, CustomObjectsApi);
    const target = { group, version, plural, namespace, name: 'syncing' };
    const { status }: RegistryReplication = await api.getNamespacedCustomObject(target);
    const regions = (status?.regions ?? []).map((row) =>
      row.location === location ? { ...row, state, displayStatus: state } : row,
    );
    const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await api.patchNamespacedCustomObjectStatus({ ...target, body: { status: { regions } } }, mergePatch);
  }

  const table = (state: string) => [
    'NAME          LOCATION      PROVISIONING STATE   STATUS',
    `japaneast     japaneast     Succeeded            ${state}`,
    'westeurope    westeurope    Succeeded            Ready',
    'eastus        eastus        Succeeded            Ready',
  ];
  const isAs = (wanted: readonly string[]) => (lines: readonly string[]) => lines.join('\n') === wanted.join('\n');
  const squeezed = (lines: readonly string[]) => lines.map((line) => line.replace(/ +/g, ' '));

  it('--watch redraws the table in place, in colours', async () => {
    await setState('japaneast', 'Syncing');
    const { shows, written } = start('syncing --watch');
    await shows((lines) => isAs(squeezed(table('Syncing')))(squeezed(lines)));
    await setState('japaneast', 'Ready');
    await shows((lines) => isAs(squeezed(table('Ready')))(squeezed(lines)));
    expect(written()).to.include(`${yellow}Syncing`).and.include(`${green}Ready`);
  });

  it('--watch prints no colours with NO_COLOR, and still redraws in place', async () => {
    await setState('japaneast', 'Syncing');
    const { shows, written } = start('syncing --watch', size, { env: { NO_COLOR: '1' } });
    await shows((lines) => lines.length === 4);
    await setState('japaneast', 'Ready');
    await shows((lines) => lines.length === 4 && / Ready$/.test(lines[1] ?? ''));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own sequences
    expect(written()).not.to.match(/\x1b\[\d+m/);
  });

  it('--watch cuts lines at the width of the terminal, and says how many do not fit its height', async () => {
    const { shows } = start('syncing --watch -o wide', { columns: 30, rows: 4 });
    const lines = await shows(({ length }) => length === 3);
    expect(lines[0]).to.equal('NAME         LOCATION     PROV');
    expect(lines[2]).to.equal('… and 2 more lines');
  });

  it('--watch shows everything at a terminal that does not know its size', async () => {
    const { shows } = start('syncing --watch', { columns: 0, rows: 0 });
    const lines = await shows(({ length }) => length >= 4);
    expect(lines[0]).to.match(/^NAME .* STATUS$/);
  });

  it('--watch appends lines at a terminal that cannot redraw', async () => {
    const { shows, written } = start('syncing --watch', size, { env: { TERM: 'dumb' } });
    await shows(({ length }) => length === 4);
    expect(written()).not.to.include('\x1b');
  });

  it('prints a table in colours, and none with NO_COLOR', async () => {
    const coloured = start('syncing');
    await coloured.ended();
    expect(coloured.written()).to.include(`${green}Ready`);
    const plain = start('syncing', size, { env: { NO_COLOR: '1' } });
    await plain.ended();
    expect(plain.written()).to.include('Ready').and.not.include('\x1b');
  });
});

/** What a terminal shows, of the sequences that the plugin writes. */
function shownBy(written: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own sequences
  for (const [token, count = '1', letter] of written.matchAll(/\x1b\[(\d*)([A-Z])|\x1b\[\d+m|\r|\n|[^\x1b\r\n]+/g)) {
    if (letter === 'A') row -= Number(count);
    else if (letter === 'J') lines.splice(row, Number.POSITIVE_INFINITY, '');
    else if (token === '\n') row += 1;
    else if (token !== '\r' && !token.startsWith('\x1b')) lines[row] = (lines[row] ?? '') + token;
  }
  return lines.filter((line) => line !== '');
}
