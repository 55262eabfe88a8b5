// Follows docs/follow-the-fleet.md command by command, with the files that the page shows, on the emulated API server as far as it
// goes, or on a real one: nodes with AKS' labels, and member clusters in the shape of Fleet Manager's.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { permissionsOf } from '../access.ts';
import { operatorAccount } from '../deployment.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type FreshClone, type FreshCloneOptions, startFreshClone } from '../fresh-clone.ts';
import { buildKustomization, root } from '../manifests.ts';
import { commandsIn, filesIn } from '../markdown.ts';
import { createObjects, definitionOf, type SourceKind, sourceKinds } from '../source-kinds.ts';

const readme = await readFile(join(root, 'README.md'), 'utf8');
const page = await readFile(join(root, 'docs/follow-the-fleet.md'), 'utf8');

/** Whether there are Deployments and roles. */
const isReal = Boolean(process.env.KUBEBUILDER_ASSETS);
const needsRealOne = (command: string) =>
  /-k (deploy|hub|pod)\b|-n acr-replication-system|\.kubeconfig|auth can-i/.test(command);

/** A copy of the manifests with the files of the page and a credential. */
async function cloneForPage(options: FreshCloneOptions): Promise<FreshClone> {
  const clone = await startFreshClone(options);
  for (const [path, text] of filesIn(page)) {
    await mkdir(dirname(join(clone.directory, path)), { recursive: true });
    await writeFile(join(clone.directory, path), text);
  }
  return clone;
}

async function createCredential({ run, arm: { environment } }: FreshClone): Promise<void> {
  if (!isReal) return;
  const literals = Object.entries(environment).map(([name, value]) => `--from-literal=${name}=${value}`);
  await run(`kubectl -n acr-replication-system create secret generic azure-credentials ${literals.join(' ')}`);
}

const apply = ({ run }: FreshClone, object: object) => run(`echo '${JSON.stringify(object)}' | kubectl apply -f -`);

const untilPath = ({ run }: FreshClone, path: string, value: string) =>
  run(`kubectl wait georep -n registries myacr0007 --for=jsonpath='{${path}}'=${value} --timeout=2m`);

const rowOf = (location: string) => `.status.regions[?(@.location=="${location}")]`;

const untilUnused = ({ run }: FreshClone, location: string) =>
  run(`kubectl wait georep -n registries myacr0007 --for=jsonpath='{${rowOf(location)}.unusedSince}' --timeout=2m`);

const writesOf = ({ arm }: FreshClone) => [...arm.journal.writes].map(({ method, replica }) => `${method} ${replica}`);

const node = (name: string, agentpool: string, region: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: { 'kubernetes.azure.com/agentpool': agentpool, 'topology.kubernetes.io/region': region },
  },
});

describeWithKubectl('the page on following, with nodes', () => {
  let clone: FreshClone;

  before(async () => {
    clone = await cloneForPage({ folder: 'deploy/follow-nodes', args: ['--region-sources=nodes'] });
    await apply(clone, node('aks-web-1', 'web', 'japaneast'));
    await apply(clone, node('aks-api-1', 'api', 'westeurope'));
  });
  after(() => clone?.close());

  const [install, plan] = splitAt(commandsIn(page, 'Observe first'), (command) =>
    command.includes('{.status.sources}'),
  );

  it('installs, and shows in mode Observe what following would do', async () => {
    const printed: string[] = [];
    for (const command of install.filter((command) => isReal || !needsRealOne(command))) {
      printed.push(await clone.run(command));
      if (command === 'kubectl apply -k deploy/follow-nodes') await createCredential(clone);
      if (command === 'kubectl create namespace registries') await clone.startOperator();
    }
    expect(printed.slice(-2)).to.deep.equal([
      'create japaneast\ncreate westeurope\n',
      '[{"regions":2,"source":"nodes","state":"Synced"}]',
    ]);
    expect(writesOf(clone)).to.deep.equal([]);
  });

  it('carries the plan out', async () => {
    let printed = '';
    for (const command of plan) printed = await clone.run(command);
    expect(printed).to.contain('japaneast Ready [{"count":1,"source":"nodes"}]\n');
    expect(writesOf(clone)).to.have.members(['PUT japaneast', 'PUT westeurope']);
  });

  it('limits the source to a node pool, keeps what the others named, and lets it go', async () => {
    for (const command of commandsIn(page, 'Node pools of AKS')) await clone.run(command);
    await untilUnused(clone, 'westeurope');
    expect(writesOf(clone)).not.to.include('DELETE westeurope');
    const deleted = clone.arm.journal.next(({ method }) => method === 'DELETE');
    for (const command of commandsIn(page, 'What is kept, and what goes')) await clone.run(command);
    expect((await deleted).path).to.match(/\/replications\/westeurope$/);
    await clone.run('kubectl wait georep -n registries myacr0007 --for=condition=Ready --timeout=2m');
  });

  it('begins in the README with mode Observe, which shows the plan', async () => {
    let printed = '';
    // helm.test.ts has the upgrade.
    const commands = commandsIn(readme, 'Regions that follow what runs').filter((line) => !line.startsWith('helm'));
    for (const command of commands) {
      // The first look in mode Observe may still see the replica that was pruned before.
      if (command.includes('.status.plan')) await untilPath(clone, '.status.plan[0].location', 'westeurope');
      printed = await clone.run(command);
    }
    expect(printed).to.equal('create westeurope\n');
  });
});

describeWithKubectl('the page on following, with a fleet', () => {
  const members = sourceKinds.find(({ kind }) => kind === 'MemberCluster') as SourceKind;
  let clone: FreshClone;

  before(async () => {
    clone = await cloneForPage({
      folder: 'deploy/follow-fleet',
      crds: [definitionOf(members)],
      args: ['--region-sources=memberclusters.cluster.kubernetes-fleet.io'],
    });
    const admin = createKubeClient(loadKubeConfig(clone.cluster.kubeconfig));
    await createObjects(admin, members);
    await admin.close();
  });
  after(() => clone?.close());

  it('installs into the hub without a pod, and into another cluster with one', async () => {
    const rights = permissionsOf(await buildKustomization('deploy/follow-fleet'), operatorAccount);
    const commands = commandsIn(page, 'Members of an Azure Kubernetes Fleet').slice(0, -1);
    for (const command of commands.filter((command) => isReal || !needsRealOne(command))) {
      if (command.includes('operator.kubeconfig get')) await clone.cluster.untilPermitted(operatorAccount, rights);
      await clone.run(command);
    }
    if (isReal) {
      const hub = await clone.run('kubectl kustomize hub');
      expect(hub).not.to.match(/^kind: Deployment$/m);
      const account = await clone.run(
        "kubectl --kubeconfig operator.kubeconfig config view -o jsonpath='{.users[*].name}'",
      );
      expect(account).to.equal('operator');
    }
    await createCredential(clone);
    await clone.startOperator();
  });

  it('shows in status.sources that a kind may not be followed', async () => {
    await clone.run('kubectl create namespace registries');
    await clone.run('kubectl apply -f myacr0007.yaml');
    await untilPath(clone, '.status.sources[0].state', 'NotAllowed');
    if (isReal)
      for (const command of commandsIn(page, 'When a source cannot be read'))
        expect(await clone.run(command)).to.equal('yes\n');
  });

  it('follows members that join and leave', async () => {
    const [patch = ''] = commandsIn(page, 'Members of an Azure Kubernetes Fleet').slice(-1);
    const created = clone.arm.journal.next(({ method }) => method === 'PUT');
    await clone.run(patch);
    await clone.run(`kubectl patch georep -n registries myacr0007 --type=merge -p '{"spec":{"mode":"Manage"}}'`);
    expect((await created).path).to.match(/\/replications\/westeurope$/);
    await untilPath(clone, `${rowOf('westeurope')}.neededBy[0].names[0]`, 'prod-eu');

    const joined = clone.arm.journal.next(({ method }) => method === 'PUT');
    const labels = { env: 'prod', 'fleet.azure.com/location': 'japaneast' };
    const spec = { identity: { kind: 'User', name: 'prod-asia' } };
    const { group, version, kind } = members;
    await apply(clone, { apiVersion: `${group}/${version}`, kind, metadata: { name: 'prod-asia', labels }, spec });
    expect((await joined).path).to.match(/\/replications\/japaneast$/);

    await clone.run('kubectl delete memberclusters.cluster.kubernetes-fleet.io prod-eu');
    await clone.run('kubectl wait georep -n registries myacr0007 --for=condition=Ready --timeout=2m');
    await untilUnused(clone, 'westeurope');
    expect(writesOf(clone)).not.to.include('DELETE westeurope');
  });
});

describe('the page on following, its table of kinds', () => {
  it('has the kinds, versions and paths of the fixtures, and ConfigMaps', () => {
    const rows = [...page.matchAll(/^\| ([A-Z]\w+)[^|]* \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$/gm)];
    const expected = sourceKinds.map(({ kind, group, version, location, plural }) => [
      kind,
      `${group}/${version}`,
      location,
      `${plural}.${group}`,
    ]);
    expect(rows.map(([, ...cells]) => cells)).to.have.deep.members([
      ...expected,
      ['ConfigMap', 'v1', '.data.region', 'configmaps'],
    ]);
  });
});

/** Up to and with the first one that fits, and the rest. */
function splitAt(commands: readonly string[], fits: (command: string) => boolean): [string[], string[]] {
  const end = commands.findIndex(fits) + 1;
  return [commands.slice(0, end), commands.slice(end)];
}
