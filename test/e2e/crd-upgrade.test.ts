// The CRD and the operator are of different versions. The older CRD and its objects are frozen in test/fixtures/crds.
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { held } from '../emulators/arm/timings.ts';
import type { Kubectl } from '../federation.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { root } from '../manifests.ts';
import type { LogLine } from '../operator.ts';
import { eventually } from '../real-api-server.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { condition, isNotReadyBecause, regionsAre } from './expectations.ts';
import { scopeLocked } from './refusals.ts';
import { manifest, referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const olderCrd = `${root}/test/fixtures/crds/before-sources.yaml`;
const applyCrd = 'apply -k crds --validate=false';
const identity = 'client-secret';

const isAboutCrd = ({ msg }: LogLine) => msg.startsWith('The CRD ');

describeWithKubectl('objects of an older CRD', () => {
  /** Azure's clock while the registries are made: the objects' status has their date. */
  let past: Date | undefined = new Date('2026-11-20T08:00:00.000Z');
  let scenario: Scenario;

  before(async () => {
    const clock = { ...systemClock, now: () => past ?? systemClock.now() };
    scenario = await startScenario({ timings: held, clock, crds: [olderCrd], identity, prepare });
  });
  after(() => scenario?.close());

  async function prepare({ arm, kubectl }: TestEnvironment) {
    for (const name of ['settled', 'coming']) arm.azure.addRegistry(referenceTo(name));
    past = undefined;
    arm.azure.addReplica(referenceTo('settled'), 'japaneast', { tags: { team: 'web' } });
    arm.azure.addReplica(referenceTo('settled'), 'japanwest');
    arm.azure.addReplica(referenceTo('coming'), 'japaneast', { state: 'Creating' });
    arm.azure.addReplica(referenceTo('coming'), 'westeurope', { state: 'Creating' });
    for (const object of await olderObjects()) await store(kubectl, object);
    await kubectl(applyCrd);
    return {};
  }

  it('stay as they are, their replicas too, under the new CRD and the new operator', async () => {
    const before = await scenario.reconcileNow('settled');
    const settled = await scenario.until('settled', 'has all fields', ({ status }) => status?.message !== undefined);
    expect(settled.status).to.include({ phase: 'Ready', message: 'japaneast, japanwest are ready' });
    expect(settled.status?.claim).to.deep.equal(before.status?.claim);
    expect(settled.status?.regions?.filter(({ readyOnce }) => readyOnce)).to.have.length(2);
    expect(scenario.writesTo('settled')).to.deep.equal([]);
    expect(scenario.operator.log.filter(isAboutCrd)).to.deep.equal([]);
  });

  it('complete what was in motion, and repeat no write', async () => {
    await scenario.finishProvisioning('coming', 'japaneast', 'westeurope');
    await scenario.untilReady('coming');
    expect(scenario.writesTo('coming')).to.deep.equal([]);
  });

  it('take an edit of an old field, and one of a new field', async () => {
    await scenario.apply('settled', { regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    await scenario.until('settled', 'is Pruning', ({ status }) => status?.phase === 'Pruning');
    await scenario.until('settled', 'is Deleting', regionsAre('Deleting', 'japanwest'));
    await scenario.finishProvisioning('settled', 'japanwest');
    await scenario.untilReady('settled');
    expect(scenario.writesTo('settled')).to.deep.equal(['DELETE japanwest']);

    await scenario.patch('coming', { spec: { keepUnused: '1h' } });
    await scenario.untilReady('coming');
    expect(scenario.history('coming').at(-1)?.spec.keepUnused).to.equal('1h');
  });
});

describeWithKubectl('an operator under an older CRD', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held, crds: [olderCrd], identity });
  });
  after(() => scenario?.close());

  it('says once which fields the CRD lacks, and what to do', async () => {
    const { level, msg } = await scenario.operator.logged(isAboutCrd);
    expect(level).to.equal('warn');
    expect(msg).to.match(
      /^The CRD \S+ \(without a version\) lacks what this operator \(version \S+\) uses: spec\.regionsFrom, /,
    );
    expect(msg).to.match(/ and \d+ more\. .* kubectl apply -k crds$/);
  });

  it('creates and prunes replicas, with the phases of that CRD', async () => {
    scenario.addRegistry('served');
    await scenario.apply('served', { regions: ['japaneast', 'westeurope'] });
    await scenario.until('served', 'is Creating', regionsAre('Creating', 'japaneast', 'westeurope'));
    await scenario.finishProvisioning('served', 'japaneast', 'westeurope');
    await scenario.untilReady('served');
    await scenario.apply('served', { regions: ['japaneast'] });
    const pruning = await scenario.until('served', 'is Deleting', regionsAre('Deleting', 'westeurope'));
    expect(pruning.status?.phase).to.equal('Syncing');
    await scenario.finishProvisioning('served', 'westeurope');
    const ready = await scenario.untilReady('served');
    expect(ready.status).to.include({ phase: 'Ready', readyRegions: '1/1' }).and.not.to.have.property('message');
    expect(scenario.writesTo('served')).to.deep.equal(['PUT japaneast', 'PUT westeurope', 'DELETE westeurope']);
  });

  it('tells what needs a person, and goes on when it is repaired', async () => {
    const registry = scenario.addRegistry('locked');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    const unlock = scenario.arm.azure.refuse(
      (request) => request.registry === 'locked' && request.method === 'DELETE',
      scopeLocked(registry),
    );
    await scenario.apply('locked', { regions: ['japaneast'], pruneDelay: '0s' });
    const blocked = await scenario.until('locked', 'is blocked', isNotReadyBecause('PruneBlocked'));
    expect(blocked.status?.phase).to.equal('Failed');
    unlock();
    await scenario.reconcileNow('locked');
    await scenario.until('locked', 'is Deleting', regionsAre('Deleting', 'westeurope'));
    await scenario.finishProvisioning('locked', 'westeurope');
    await scenario.untilReady('locked');
  });

  it('fails no pass, and says no more about the CRD', () => {
    expect(scenario.operator.log.filter(({ level }) => level === 'error')).to.deep.equal([]);
    expect(scenario.operator.log.filter(isAboutCrd)).to.have.length(1);
  });

  it('does not get a new field: kubectl refuses it, and the API server drops it', async () => {
    const registry = scenario.addRegistry('following');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    const apply = (spec: object, flags = '') =>
      scenario.kubectl(`apply -f - -o json ${flags}`.trim(), { input: manifest('following', spec, scenario.identity) });
    const regionsFrom = [{ nodes: {} }];
    await refused(apply({ regionsFrom }), /unknown field "(spec\.)?regionsFrom"/);
    await refused(apply({ regionsFrom }, '--validate=false'), /spec\.regions: Required value/);
    await apply({ regionsFrom, regions: ['japaneast'] }, '--validate=false');
    const ready = await scenario.untilReady('following');
    expect(ready.spec.regions).to.deep.equal([{ location: 'japaneast' }]);
    expect(ready.spec).not.to.have.property('regionsFrom');
  });

  it('uses the newer CRD as soon as it is applied', async () => {
    await scenario.kubectl(applyCrd);
    // The new definition ends all watches, kubectl's too, so this reads.
    const read = async () => {
      await scenario.requestReconcile('served');
      return JSON.parse(await scenario.kubectl('get georep served -o json')) as RegistryReplication;
    };
    const { status } = await until(read, (object) => object.status?.message !== undefined);
    expect(status?.message).to.equal('japaneast is ready');
    expect(scenario.writesTo('served')).to.have.length(3);
  });
});

describeWithKubectl('a CRD that is replaced by an older one', () => {
  let environment: TestEnvironment;

  before(async () => {
    environment = await startTestEnvironment({ arm: { timings: held }, identity });
  });
  after(() => environment?.close());

  it('leaves the fields that it knows, and hides the others until the newer one is back', async () => {
    const { arm, kubectl } = environment;
    arm.azure.addResourceGroup(referenceTo('remaining').subscriptionId, 'images');
    arm.azure.addRegistry(referenceTo('remaining'));
    arm.azure.addReplica(referenceTo('remaining'), 'japaneast');
    await kubectl('apply -f -', {
      input: manifest('remaining', { regions: ['japaneast'], keepUnused: '1h' }, environment.identity),
    });
    const operator = environment.startOperator();
    await kubectl(`wait --for=condition=Ready georep/remaining ${kubectlTimeout}`);
    expect(await operator.stop()).to.equal(0);
    const read = async () => JSON.parse(await kubectl('get georep remaining -o json')) as RegistryReplication;
    const before = await read();

    await kubectl(['replace', '-f', olderCrd, '--validate=false']);
    const { spec, status } = await until(read, (object) => object.status?.message === undefined);
    const { keepUnused, ...knownSpec } = before.spec;
    expect(keepUnused).to.equal('1h');
    expect(spec).to.deep.equal(knownSpec);
    const { message, ...knownStatus } = before.status ?? {};
    expect(status).to.deep.equal(knownStatus);

    const next = environment.startOperator();
    expect((await next.logged(isAboutCrd)).level).to.equal('warn');
    expect(await next.stop()).to.equal(0);
    await kubectl(applyCrd);
    const after = await until(read, ({ spec }) => spec.keepUnused !== undefined);
    expect(after.metadata.generation).to.equal(before.metadata.generation);
    expect(condition(after, 'Ready')).to.deep.equal(condition(before, 'Ready'));
    expect(arm.journal.writes).to.have.length(0);
  });
});

/** As if the operator of that time had written them a moment ago. */
async function olderObjects(): Promise<RegistryReplication[]> {
  const text = await readFile(`${root}/test/fixtures/crds/before-sources.objects.yaml`, 'utf8');
  const thisMinute = new Date().toISOString().slice(0, 16);
  return parseAllDocuments(text.replaceAll('2026-11-20T09:10', thisMinute)).map((document) => document.toJS());
}

/** Creates the object, then its status, which is a subresource that a creation drops. */
async function store(kubectl: Kubectl, { status, ...object }: RegistryReplication): Promise<void> {
  const { apiVersion, metadata } = object;
  const created = JSON.parse(await kubectl('apply -f - -o json', { input: JSON.stringify(object) }));
  const path = `/apis/${apiVersion}/namespaces/${metadata.namespace}/registryreplications/${metadata.name}/status`;
  await kubectl(['replace', '--raw', path, '-f', '-'], { input: JSON.stringify({ ...created, status }) });
}

async function refused(applied: Promise<string>, words: RegExp): Promise<void> {
  const error = await applied.then(
    (output) => expect.fail(`it was accepted: ${output}`),
    (error: Error) => error,
  );
  expect(error.message).to.match(words);
}

/** Polls: an API server serves a changed CRD a moment after it has stored it. */
async function until<T>(read: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  let value = await read();
  await eventually(async () => {
    value = await read();
    return fits(value);
  });
  return value;
}
