// Compares the permissions that deploy/ gives, in Kubernetes and in Azure, with those that the operator uses in a lifecycle
// with every kind of request: none is missing, and none is unused. The requests come from the audit log. On a real kube-apiserver
// (KUBEBUILDER_ASSETS) the operator has only the token of the deployed service account; the emulator allows everything.
import { expect } from 'chai';
import { annotation, type RegionSource, type RegistryReplication } from '../../src/api/registryreplication.ts';
import { formatAccess, type Permission, permissionsOf, permits } from '../access.ts';
import type { AuditedAccess } from '../cluster.ts';
import { actionsIn, azureRoleActions, operatorAccount } from '../deployment.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { instant } from '../emulators/arm/timings.ts';
import { tokenRequestRole } from '../federation.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { identityModeOfThisRun } from '../identity-mode.ts';
import { buildKustomization } from '../manifests.ts';
import { podOf } from '../pod.ts';
import { bearerTokenOf, scrape } from '../scrape.ts';
import { isNotReadyBecause, isReady } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

for (const { folder, namespace, namespaces, followed } of [
  { folder: 'deploy', namespace: 'default', namespaces: [] },
  { folder: 'deploy/single-namespace', namespace: 'registries', namespaces: ['registries'] },
  { folder: 'deploy/follow-nodes', namespace: 'default', namespaces: [], followed: { nodes: {} } },
])
  describeWithKubectl(`the rights that ${folder} gives`, () => {
    let scenario: Scenario;
    let permissions: Permission[];
    let accesses: AuditedAccess[];

    before(async () => {
      const tokenRole = identityModeOfThisRun() === 'service-account' ? await tokenRequestRole(namespace) : [];
      const built = await buildKustomization(folder);
      const manifests = [...built, ...tokenRole];
      permissions = permissionsOf(manifests, operatorAccount);
      const { args, env } = await podOf(manifests);
      const operator = { args: [...args, '--interval=1s'], env };
      scenario = await startScenario({ ...operator, timings: instant, deployment: { manifests: built, namespaces } });
      const standby = scenario.startOperator({ ...operator, env: { ...env, POD_NAME: 'operator-2' } });
      await standby.logged(({ msg }) => msg.includes('standing by'));
      await runLifecycle(scenario, namespace);
      if (followed) await follow(scenario, followed);
      await scrape(scenario.operator, await bearerTokenOf(scenario.kubernetes, operatorAccount));
      for (const one of [scenario.operator, standby]) expect(await one.stop('SIGTERM')).to.equal(0);
      accesses = await scenario.kubernetes.accessesOf(operatorAccount);
    });
    after(() => scenario?.close());

    it('cover all requests of the operator to Kubernetes', () => {
      const beyond = accesses.filter((access) => !permissions.some((permission) => permits(permission, access)));
      expect(accesses).not.to.have.length(0);
      expect(beyond.map(formatAccess)).to.deep.equal([]);
      expect(accesses.filter(({ isForbidden }) => isForbidden).map(formatAccess)).to.deep.equal([]);
    });

    it('contain nothing that the operator does not use in Kubernetes', () => {
      const unused = permissions.filter((permission) => !accesses.some((access) => permits(permission, access)));
      expect(permissions).not.to.have.length(0);
      expect(unused.map(formatAccess)).to.deep.equal([]);
    });

    // Recorded: requests, responses, and the names of the two actions of polling, which are not needed. Documented, not
    // recorded: which action a method on a path needs (Microsoft's list of resource provider operations).
    it('contain, in azure-role.json, exactly what the operator uses in Azure', async () => {
      expect([...actionsIn(scenario.arm.journal)]).to.have.members(await azureRoleActions());
    });
  });

/** An object that follows nodes, from the first one on. */
async function follow(scenario: Scenario, source: RegionSource): Promise<void> {
  scenario.addRegistry('following');
  await scenario.apply('following', { regionsFrom: [source] });
  await scenario.until('following', 'waits for nodes', isNotReadyBecause('NoRegions'));
  const metadata = { name: 'first', labels: { 'topology.kubernetes.io/region': 'japaneast' } };
  await scenario.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata }) });
  await scenario.untilReady('following');
}

/** One object from its creation to its deletion, with every kind of write in between. */
async function runLifecycle(scenario: Scenario, namespace: string): Promise<void> {
  const { journal, azure } = scenario.arm;
  const ofAlive = (fits: (request: JournalEntry) => boolean) => (request: JournalEntry) =>
    request.registry === 'alive' && fits(request);
  const registry = scenario.addRegistry('alive');

  // The object is edited while its first pass waits for Azure: the operator's next write conflicts, and it reads the object again.
  const asleep = journal
    .next(ofAlive(({ endpoint }) => endpoint === 'registry'))
    .then(() => scenario.operator.process.kill('SIGSTOP'));
  await scenario.apply('alive', { regions: [{ location: 'japaneast', routing: 'Enabled' }] }, namespace);
  await asleep;
  await scenario.kubectl(`label georep -n ${namespace} alive edited=meanwhile`);
  scenario.operator.process.kill('SIGCONT');
  await scenario.untilReady('alive');

  // The same event twice is created once and then patched.
  for (const time of ['first', 'second']) {
    const corrected = journal.next(ofAlive(({ method }) => method === 'PATCH'));
    azure.changeReplica(registry, 'japaneast', { routing: false });
    await corrected;
    await scenario.kubectl(
      `annotate georep -n ${namespace} alive --overwrite ${annotation.reconcileRequestedAt}=${time}`,
    );
    const isSeen = ({ status }: RegistryReplication) => status?.lastHandledReconcileAt === time;
    await scenario.until('alive', 'is Ready again', (object) => isSeen(object) && isReady(object));
  }
  await scenario.kubectl(`delete georep -n ${namespace} alive ${kubectlTimeout}`);

  // The reason of a failed creation is read from its operation.
  const failing = scenario.addRegistry('failing');
  azure.failCreations(failing, 'japaneast');
  const explained = journal.next(({ endpoint, registry }) => endpoint === 'operation' && registry === 'failing');
  await scenario.apply('failing', { regions: ['japaneast'] }, namespace);
  await explained;
  await scenario.kubectl(`delete georep -n ${namespace} failing ${kubectlTimeout}`);
}
