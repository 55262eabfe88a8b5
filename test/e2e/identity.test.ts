import { expect } from 'chai';
import { allowedRegistries, annotation, type RegistryReplication } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { registryId } from '../../src/replication/validation.ts';
import type { Account } from '../access.ts';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { accountName, allowTokenRequests, createServiceAccount, federatedCredentialFor } from '../federation.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { condition, isNotReadyBecause, isReady, readyMessage } from './expectations.ts';
import { referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const tenant = '11111111-1111-1111-1111-111111111111';
const operatorsClient = '22222222-2222-2222-2222-222222222222';
/** The emulator enforces no roles. */
const hasRoles = process.env.KUBEBUILDER_ASSETS !== undefined;

/** The ServiceAccount that objects of the namespace use. */
const accountIn = (namespace: string): Account => ({ namespace, name: accountName });

/** The clients that sent requests for the registry to ARM. */
function clientsAsking({ arm }: Scenario, registry: string): string[] {
  const asking = arm.journal.entries.filter((entry) => entry.registry === registry);
  return [...new Set(asking.map(({ clientId = 'unknown' }) => clientId))];
}

describeWithKubectl('an identity of an object’s own', () => {
  let scenario: Scenario;
  let clients = 0;
  let requests = 0;

  before(async () => {
    // The operator has a credential of its own here, and must not use it.
    scenario = await startScenario({
      timings: instant,
      identity: 'client-secret',
      args: ['--default-identity=deny'],
      forbiddenNamespaces: ['strangers'],
    });
  });
  after(() => scenario?.close());

  const kubectl = (...args: string[]) => scenario.kubectl(args);

  /** Creates a namespace in which the operator may request tokens of `registries`. */
  async function openNamespace(namespace: string): Promise<void> {
    await kubectl('create', 'namespace', namespace);
    await allowTokenRequests(scenario, namespace);
  }

  /** Registers a client in Entra for the namespace's ServiceAccount `registries` and annotates that with it. */
  async function identityIn(
    namespace: string,
    federated = [federatedCredentialFor(accountIn(namespace))],
  ): Promise<string> {
    const clientId = `44444444-4444-4444-4444-${String(++clients).padStart(12, '0')}`;
    scenario.arm.register(clientId, federated);
    await createServiceAccount(scenario, accountIn(namespace), { client: clientId, tenant });
    return clientId;
  }

  async function applyIn(
    namespace: string,
    name: string,
    serviceAccountName = 'registries',
  ): Promise<RegistryReference> {
    const registry = scenario.addRegistry(name);
    await scenario.apply(name, { regions: ['japaneast'], identity: { serviceAccountName } }, namespace);
    return registry;
  }

  async function lookAt(namespace: string, name: string): Promise<RegistryReplication> {
    const value = `look ${++requests}`;
    await kubectl(
      'annotate',
      'georep',
      '-n',
      namespace,
      name,
      '--overwrite',
      `${annotation.reconcileRequestedAt}=${value}`,
    );
    return scenario.until(name, 'has been looked at', ({ status }) => status?.lastHandledReconcileAt === value);
  }

  const refused = (name: string, reason: string) =>
    scenario.until(name, `is refused: ${reason}`, isNotReadyBecause(reason));

  it('is the client in the annotation of the ServiceAccount, and no other', async () => {
    await openNamespace('web');
    const client = await identityIn('web');
    await applyIn('web', 'webshop');
    await scenario.untilReady('webshop');
    expect(clientsAsking(scenario, 'webshop')).to.deep.equal([client]);
  });

  it('needs one token from Entra, however many objects use it', async () => {
    await openNamespace('many');
    const client = await identityIn('many');
    const before = tokenRequests();
    for (const name of ['many1', 'many2', 'many3']) await applyIn('many', name);
    for (const name of ['many1', 'many2', 'many3']) await scenario.untilReady(name);
    expect(clientsAsking(scenario, 'many2')).to.deep.equal([client]);
    expect(tokenRequests() - before).to.equal(1);
  });

  function tokenRequests(): number {
    return scenario.arm.journal.entries.filter(({ endpoint, method }) => endpoint === 'token' && method === 'POST')
      .length;
  }

  it("is required with --default-identity=deny: the operator's own credential is not used", async () => {
    const registry = scenario.addRegistry('borrower');
    await scenario.apply('borrower', { regions: ['japaneast'] });
    const object = await refused('borrower', 'DefaultIdentityDenied');
    expect(readyMessage(object)).to.contain('Set spec.identity.serviceAccountName');
    expect(clientsAsking(scenario, 'borrower')).to.deep.equal([]);
    scenario.arm.azure.addReplica(registry, 'northeurope');
    await kubectl('delete', 'georep', 'borrower', kubectlTimeout);
    expect(clientsAsking(scenario, 'borrower')).to.deep.equal([]);
  });

  it('cannot be that of another namespace whose ServiceAccount has the same name', async () => {
    await openNamespace('api');
    const inWeb = async () =>
      (await scenario.kubernetes.accessesOf(operatorAccount)).filter(({ namespace }) => namespace === 'web').length;
    const before = await inWeb();
    await applyIn('api', 'thief');
    const object = await refused('thief', 'ServiceAccountNotFound');
    expect(readyMessage(object)).to.contain('kubectl create serviceaccount -n api registries');
    expect(await inWeb()).to.equal(before);
    expect(clientsAsking(scenario, 'thief')).to.deep.equal([]);
  });

  it('names the missing annotation, and works as soon as it is there', async () => {
    await openNamespace('bare');
    await createServiceAccount(scenario, accountIn('bare'));
    await applyIn('bare', 'forgotten');
    const object = await refused('forgotten', 'ServiceAccountNotAnnotated');
    expect(readyMessage(object)).to.contain(
      'kubectl annotate serviceaccount -n bare registries --overwrite azure.workload.identity/client-id=',
    );
    const client = await identityIn('bare');
    await lookAt('bare', 'forgotten');
    await scenario.untilReady('forgotten');
    expect(clientsAsking(scenario, 'forgotten')).to.deep.equal([client]);
  });

  it('reports why Entra refuses the exchange, in a message that stays the same', async () => {
    await openNamespace('unknown');
    const client = await identityIn('unknown', [federatedCredentialFor(accountIn('web'))]);
    await applyIn('unknown', 'stranger');
    const object = await refused('stranger', 'TokenExchangeRefused');
    const message = readyMessage(object);
    expect(message)
      .to.contain('AADSTS700213')
      .and.contain(client)
      .and.contain('subject system:serviceaccount:unknown:registries');
    expect(message).to.contain('issuer https://kubernetes.default.svc.cluster.local');
    expect(message).not.to.match(/Trace ID|Correlation ID|eyJ/);
    expect(readyMessage(await lookAt('unknown', 'stranger'))).to.equal(message);
    expect(clientsAsking(scenario, 'stranger')).to.deep.equal([]);
  });

  it('changes when the ServiceAccount is annotated with another client', async () => {
    await openNamespace('moving');
    const first = await identityIn('moving');
    await applyIn('moving', 'mover');
    await scenario.untilReady('mover');
    const second = await identityIn('moving');
    await lookAt('moving', 'mover');
    expect(clientsAsking(scenario, 'mover')).to.deep.equal([first, second]);
  });

  it('completes a deletion with the cached token after the ServiceAccount is gone', async () => {
    await openNamespace('closing');
    await identityIn('closing');
    await applyIn('closing', 'closed');
    await scenario.untilReady('closed');
    await kubectl('delete', 'serviceaccount', '-n', 'closing', 'registries');
    await kubectl('delete', 'georep', '-n', 'closing', 'closed', kubectlTimeout);
    expect(scenario.writesTo('closed')).to.deep.equal(['PUT japaneast', 'DELETE japaneast']);
  });

  it('shows the command that detaches an object when no token is left', async () => {
    await openNamespace('lost');
    await identityIn('lost');
    await applyIn('lost', 'orphan');
    await scenario.untilReady('orphan');
    await kubectl('delete', 'serviceaccount', '-n', 'lost', 'registries');
    await scenario.restartOperator();
    const deleted = kubectl('delete', 'georep', '-n', 'lost', 'orphan', kubectlTimeout);
    const object = await refused('orphan', 'ServiceAccountNotFound');
    const remedy = `kubectl annotate georep -n lost orphan ${annotation.forceDetach}=true`;
    expect(readyMessage(object)).to.contain(remedy);
    await scenario.kubectl(remedy.replace('kubectl ', ''));
    await deleted;
    expect(scenario.writesTo('orphan')).to.deep.equal(['PUT japaneast']);
  });

  if (hasRoles) {
    it('needs the Role of deploy/identity, says so, and works once it is there', async () => {
      await kubectl('create', 'namespace', 'strangers');
      const client = await identityIn('strangers');
      await applyIn('strangers', 'unminted');
      const object = await refused('unminted', 'TokenRequestDenied');
      expect(readyMessage(object)).to.contain('the Role and the RoleBinding of deploy/identity in namespace strangers');
      await allowTokenRequests(scenario, 'strangers');
      await lookAt('strangers', 'unminted');
      await scenario.untilReady('unminted');
      expect(clientsAsking(scenario, 'unminted')).to.deep.equal([client]);
    });
  }

  it('makes the operator read only the named ServiceAccounts and request only their tokens', async () => {
    const accesses = await scenario.kubernetes.accessesOf(operatorAccount);
    const about = accesses.filter(({ resource }) => resource.startsWith('serviceaccounts'));
    expect(new Set(about.map(({ verb, resource, name }) => `${verb} ${resource} ${name}`))).to.deep.equal(
      new Set(['get serviceaccounts registries', 'create serviceaccounts/token registries']),
    );
  });

  it('never falls back to the operator’s', () => {
    const clientsSeen = scenario.arm.journal.entries.map(({ clientId }) => clientId);
    expect(clientsSeen).not.to.include(operatorsClient);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});

describeWithKubectl('the registries that a namespace may name', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: instant });
  });
  after(() => scenario?.close());

  async function allow(...patterns: string[]): Promise<void> {
    await scenario.kubectl([
      'annotate',
      'namespace',
      'default',
      '--overwrite',
      `${allowedRegistries}=${patterns.join(',')}`,
    ]);
  }

  const idOf = (name: string) => registryId(referenceTo(name));
  const readyReason = (object: RegistryReplication) => condition(object, 'Ready')?.reason;

  it('are unrestricted until the namespace lists some; for a refused object no request is sent to Azure', async () => {
    scenario.addRegistry('allowed');
    scenario.addRegistry('refused');
    await scenario.apply('allowed', { regions: ['japaneast'] });
    await scenario.untilReady('allowed');
    await allow(idOf('allow*').toUpperCase());
    await scenario.apply('refused', { regions: ['japaneast'] });
    const object = await scenario.until('refused', 'is refused', isNotReadyBecause('RegistryNotAllowed'));
    expect(readyMessage(object)).to.match(/does not list registry refused\. .* by adding \S+\/refused there$/);
    expect(clientsAsking(scenario, 'refused')).to.deep.equal([]);
    expect(isReady(await scenario.reconcileNow('allowed'))).to.equal(true);
  });

  it('grow at once when a reconcile is requested', async () => {
    await allow(idOf('allowed'), idOf('refused'));
    await scenario.reconcileNow('refused');
    await scenario.untilReady('refused');
    expect(scenario.writesTo('refused')).to.deep.equal(['PUT japaneast']);
  });

  it('shrink at once, and existing replicas stay', async () => {
    await allow(idOf('allowed'));
    expect(readyReason(await scenario.reconcileNow('refused'))).to.equal('RegistryNotAllowed');
    await scenario.kubectl(`delete georep refused ${kubectlTimeout}`);
    expect(scenario.writesTo('refused')).to.deep.equal(['PUT japaneast']);
    await scenario.untilEvent(
      'refused',
      'Detached: deleted while its namespace may not name the registry; its replicas stay in Azure: japaneast',
    );
  });

  it('are none if no entry of the list is the whole id of a registry', async () => {
    const id = idOf('allowed');
    await allow(
      '*',
      '/subscriptions/*',
      `${id}/*`,
      id.replace('/images/', '/other/../images/'),
      id.replace('/images/', '/%69mages/'),
      id.replace('/images/', '/*%2f*/'),
      id.replace('images', 'im\u0430ges'),
      id.replace('allowed', '\uff41llowed'),
    );
    const object = await scenario.reconcileNow('allowed');
    expect(readyReason(object)).to.equal('RegistryNotAllowed');
    expect(readyMessage(object)).to.contain('its entry "*" is no pattern of a registry\'s id');
  });
});
