// The composed operator in this process, between the emulators.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { group, kind, version } from '../../src/api/registryreplication.ts';
import { parseConfig } from '../../src/config.ts';
import { createOperator, type Operator } from '../../src/operator.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { publicRegions, type Region } from '../emulators/arm/regions.ts';
import { instant } from '../emulators/arm/timings.ts';
import { MapClient, until } from '../map-client.ts';
import type { LogLine } from '../operator.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { trust } from '../trust.ts';
import { Journal } from '../unit/kubernetes/journal.ts';

/** Sent when a client of this process connects; node:http and undici each have their own. */
const channels = ['net.client.socket', 'undici:client:connected'];
const ports = ['--metrics-bind-address=127.0.0.1:0', '--health-probe-bind-address=127.0.0.1:0'];
const election = ['--leader-elect', '--leader-elect-resource-namespace=acr-replication-system'];

/** Unknown to the operator's own table. */
const atlantis: Region = {
  name: 'atlantiscentral',
  displayName: 'Atlantis Central',
  geographyGroup: 'Atlantic',
  kind: 'Physical',
  geography: 'Atlantis',
  coordinates: { latitude: 31.1, longitude: -24.2 },
};

describe('the operator', () => {
  let stage: TestEnvironment;
  let distrust: () => void;
  let log: Journal<LogLine>;
  let operator: Operator;
  const environment = { ...process.env };
  const sockets = new Set<Socket>();
  const onSocket = (message: unknown) => void sockets.add((message as { socket: Socket }).socket);

  before(async () => {
    const arm = { timings: instant, regions: [...publicRegions, atlantis] };
    stage = await startTestEnvironment({ arm, identity: 'client-secret' });
    distrust = trust(stage.arm.certificate);
    Object.assign(process.env, stage.env);
  });
  after(async () => {
    for (const name of Object.keys(stage.env)) delete process.env[name];
    Object.assign(process.env, environment);
    distrust?.();
    await stage?.close();
  });

  beforeEach(() => {
    sockets.clear();
    for (const channel of channels) subscribe(channel, onSocket);
    log = new Journal();
    const logger = createLogger({ level: 'info', destination: { write: (line) => log.push(JSON.parse(line)) } });
    operator = createOperator(parseConfig([...ports, ...election]), logger, (why) =>
      log.push({ level: 'lost', msg: why }),
    );
  });
  afterEach(async () => {
    await operator.stop();
    for (const channel of channels) unsubscribe(channel, onSocket);
  });

  const referenceTo = (name: string) => ({
    subscriptionId: defaultSubscriptionId,
    resourceGroup: 'myresourcegroup',
    name,
  });
  const addRegistry = (name: string) =>
    stage.arm.azure.addRegistry(referenceTo(name), { location: 'eastus', sku: 'Premium' });

  /** By another process, so that this one has the operator's connections only. */
  async function createObject(name: string): Promise<void> {
    const object = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name: name.toLowerCase() },
      spec: { registry: referenceTo(name), regions: [{ location: 'japaneast' }], deletionPolicy: 'Retain' },
    };
    await stage.kubectl('create -f -', { input: JSON.stringify(object) });
  }

  /** Resolves when the operator reports an object for this registry as Ready. */
  async function replicate(name: string): Promise<void> {
    addRegistry(name);
    await createObject(name);
    await isReady(name);
  }

  const isReady = (name: string) =>
    log.next(({ registry, msg }) => registry === name && msg.startsWith('Ready is True'));

  /** Resolves when every connection of this process is closed; a connection that is kept lets the test time out. */
  const allClosed = () =>
    Promise.all(
      [...sockets].map((socket) => socket.destroyed || new Promise((resolve) => socket.once('close', resolve))),
    );
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const lines = () => log.all.map(({ msg }) => msg);

  it('makes an object Ready, and leaves no connection and no timer behind when it stops', async () => {
    await operator.start();
    await replicate('first');
    expect(sockets.size).to.be.greaterThan(0);
    await operator.stop();
    await allClosed();
    expect(timers(), "mocha's own").to.equal(1);
    expect(lines().at(-1)).to.equal('The Lease acr-replication-system/acr-replication-operator is given back');
  });

  it('works again after it was stopped', async () => {
    await operator.start();
    await operator.stop();
    await operator.start();
    await replicate('second');
  });

  it('stops while it waits for the Lease', async () => {
    await operator.start();
    await log.next(({ msg }) => msg.includes('passes begin'));
    const standby = createOperator(
      parseConfig([...ports, ...election]),
      createLogger({ level: 'info', destination: { write: (line) => log.push(JSON.parse(line)) } }),
      (why) => log.push({ level: 'lost', msg: why }),
    );
    await standby.start();
    await log.next(({ msg }) => msg.includes('standing by'));
    await standby.stop();
    expect(lines().filter((msg) => msg.includes('passes begin'))).to.have.length(1);
  });

  it('serves a read-only map that follows its objects, and ends with it', async () => {
    operator = createOperator(
      parseConfig([...ports, ...election, '--map-bind-address=:0']),
      createLogger({ level: 'info', destination: { write: (line) => log.push(JSON.parse(line)) } }),
      (why) => log.push({ level: 'lost', msg: why }),
    );
    await operator.start();
    const { map } = await log.next(({ msg }) => msg.startsWith('The map is served'));
    const client = new MapClient(String(map));
    const stream = client.messages();
    const { data } = await until(stream, ({ event }) => event === 'state');
    expect(data).to.deep.include({ writable: false, hasEvents: false });
    await replicate('mapped');
    await until(
      stream,
      ({ event, data }) =>
        event === 'update' && data.changed.some(({ name, phase }) => name === 'mapped' && phase === 'Ready'),
    );
    expect((await client.post('/api/registries/default/mapped', {})).status).to.equal(405);
    await operator.stop();
    const end = await until(stream, () => false).catch(({ message }: Error) => message);
    expect(end).to.match(/the stream has ended|aborted/);
  });

  describe('with a map', () => {
    const isOfLocations = ({ endpoint }: { endpoint: string }) => endpoint === 'locations';
    const reads = () => stage.arm.journal.entries.filter(isOfLocations).map(({ status }) => status);

    /** Starts an operator with a map, and an object whose registry is as it should be. */
    async function startWithMap(name: string, ...flags: string[]): Promise<MapClient> {
      addRegistry(name);
      stage.arm.azure.addReplica(referenceTo(name), 'japaneast');
      stage.arm.journal.clear();
      operator = createOperator(
        parseConfig([...ports, ...election, '--map-bind-address=:0', ...flags]),
        createLogger({ level: 'info', destination: { write: (line) => log.push(JSON.parse(line)) } }),
        (why) => log.push({ level: 'lost', msg: why }),
      );
      await operator.start();
      const { map } = await log.next(({ msg }) => msg.startsWith('The map is served'));
      return new MapClient(String(map));
    }

    it('asks Azure for the regions once, and not before a page is open', async () => {
      const client = await startWithMap('regions1');
      await createObject('regions1');
      await isReady('regions1');
      expect(reads()).to.deep.equal([]);
      const stream = client.messages();
      const first = await until(stream, ({ event }) => event === 'state');
      const second = await until(stream, ({ event, data }) => event === 'update' && data.regions !== undefined);
      const place = { displayName: 'Atlantis Central', coordinates: { latitude: 31.1, longitude: -24.2 } };
      const regionsIn = ({ data }: typeof first) => data.regions?.map(({ name }) => name) ?? [];
      expect(regionsIn(first)).to.include('japaneast').and.not.to.include('atlantiscentral');
      expect(second.data.regions?.find(({ name }) => name === 'atlantiscentral')).to.deep.include(place);
      expect(regionsIn(second)).to.include.members(regionsIn(first));

      const later = client.messages();
      expect(regionsIn(await until(later, ({ event }) => event === 'state'))).to.include('atlantiscentral');
      expect(reads()).to.deep.equal([200]);
      await Promise.all([stream, later].map((each) => each.return(undefined)));
    });

    it('shows its own table where Azure refuses the regions, and does not ask again', async () => {
      const undo = stage.arm.azure.faults.add({
        kind: 'forbidden',
        actions: ['Microsoft.Resources/subscriptions/locations/read'],
      });
      try {
        const client = await startWithMap('regions2');
        await createObject('regions2');
        await isReady('regions2');
        const refused = stage.arm.journal.next(isOfLocations);
        for (let n = 0; n < 3; n++) {
          const stream = client.messages();
          const { data } = await until(stream, ({ event }) => event === 'state');
          expect(data.regions?.map(({ name }) => name))
            .to.include('japaneast')
            .and.not.to.include('atlantiscentral');
          await refused;
          await stream.return(undefined);
        }
        expect(reads()).to.deep.equal([403]);
      } finally {
        undo();
      }
    });

    it('asks nothing for an object that may not use the identity of the operator', async () => {
      const client = await startWithMap('regions3', '--default-identity=deny');
      await createObject('regions3');
      await log.next(({ registry, msg }) => registry === 'regions3' && msg.includes('DefaultIdentityDenied'));
      const stream = client.messages();
      await until(stream, ({ event }) => event === 'state');
      await until(stream, ({ event }) => event === 'update');
      expect(stage.arm.journal.entries).to.deep.equal([]);
      await stream.return(undefined);
    });
  });

  it('closes what it has opened when it cannot start', async () => {
    const config = parseConfig([...ports, '--metrics-secure', '--metrics-cert-dir=/nowhere']);
    const broken = createOperator(config, createLogger({ level: 'silent' }), () => undefined);
    const error = await broken.start().catch(({ message }: Error) => message);
    expect(error).to.contain('cannot use the certificate in /nowhere');
    await allClosed();
  });
});
