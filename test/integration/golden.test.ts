// What kubectl prints for an object of each phase and each reason, compared with the files in test/golden.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { reasons } from '../../src/replication/reasons.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';
import { play, type Scenario } from '../golden/play.ts';
import { expectGolden } from '../golden/printed.ts';
import { reasonsElsewhere, settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';

const phases = ['Pending', 'Syncing', 'Pruning', 'Ready', 'Degraded', 'Failed', 'Suspended', 'Observing', 'Deleting'];

describe('what kubectl prints of an object in each phase and for each reason', () => {
  const scenarios = new Map<string, Scenario>();
  let emulator: KubernetesEmulator;
  let client: KubeClient;
  let directory: string;

  before(async () => {
    for (const [name, setting] of Object.entries(settings)) scenarios.set(name, await play(setting));
    emulator = await startKubernetesEmulator({ crds: ['crds/registryreplications.yaml'] });
    directory = await mkdtemp(join(tmpdir(), 'golden-'));
    await writeFile(join(directory, 'kubeconfig'), emulator.kubeconfig);
    client = createKubeClient(loadKubeConfig(join(directory, 'kubeconfig')));
    await createNamespace(client, 'registries');
    for (const [name, scenario] of scenarios) await storeScenario(client, 'registries', objectName(name), scenario);
  });

  after(async () => {
    await client?.close();
    await emulator?.close();
    if (directory) await rm(directory, { recursive: true });
  });

  async function print(args: string): Promise<string> {
    const { code, stdout, stderr } = await kubectl(join(directory, 'kubeconfig'), args.split(' '));
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  it('covers every phase and every reason', () => {
    const statuses = [...scenarios.values()].map(({ object }) => object.status);
    const seen = new Set(
      statuses.flatMap((status) => status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? []),
    );
    for (const reason of Object.keys(reasons))
      expect(seen.has(reason) || Object.hasOwn(reasonsElsewhere, reason), reason).to.equal(true);
    expect(new Set(statuses.map((status) => status?.phase))).to.have.all.keys(...phases);
    for (const [name, { object }] of scenarios) {
      const [reason = ''] = name.split(',');
      if (Object.hasOwn(reasons, reason)) expect(object.status?.conditions?.[0]?.reason, name).to.equal(reason);
    }
  });

  for (const columns of [80, 140])
    for (const [file, args] of [
      ['get', 'get georep -n registries'],
      ['wide', 'get georep -n registries -o wide'],
      ['describe', 'describe georep -n registries'],
    ] as const)
      it(`is as in test/golden/${columns}/${file}.txt`, async () => {
        const printed = withoutAges(withoutSpecs(await print(args)))
          .flatMap(wrap(columns))
          .join('\n');
        await expectGolden(`${columns}/${file}.txt`, printed);
      });
});

/** As a name of Kubernetes: "Syncing, 40 regions" is syncing-40-regions. */
function objectName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase();
}

/** `kubectl describe` of several objects, without their metadata and specs, which say nothing new. */
function withoutSpecs(text: string): string {
  return text.replace(/^Namespace: [\s\S]*?^Status:$/gm, 'Status:');
}

/** Uids, times and ages differ at each run, and with the ages the width of their column. */
function withoutAges(text: string): string[] {
  let column: { readonly start: number; readonly end: number } | undefined;
  return text.split('\n').map((line) => {
    const header = /\b(?:AGE|Age) *(?=(HOME|From)?)/.exec(line);
    if (header)
      column = { start: header.index, end: header[1] ? header.index + header[0].length : Number.POSITIVE_INFINITY };
    else if (line === '' || !column) {
      column = undefined;
      return line.replace(/^( *(?:UID|Resource Version|Creation Timestamp): +).*/, '$1<...>').trimEnd();
    }
    return `${line.slice(0, column.start)}AGE   ${line.slice(column.end)}`.trimEnd();
  });
}

/** Breaks a line as a terminal of so many columns does. */
function wrap(columns: number): (line: string) => string[] {
  return (line) => (line === '' ? [''] : (line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? []));
}
