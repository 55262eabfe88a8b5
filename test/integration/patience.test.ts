// The operator while ARM refuses for hours, over real sockets and a clock that the test moves: its requests, as the emulator counts
// them, and the status of its objects.
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { ArmEmulatorOptions } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { publicRegions } from '../emulators/arm/regions.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import { anObject, type ObjectParts } from '../unit/replication/fixtures.ts';
import { OperatorModel } from '../unit/replication/operator-model.ts';
import { type ArmOverSockets, startArmOverSockets } from './arm-over-sockets.ts';

const second = 1_000;
const minute = 60 * second;
const twenty = publicRegions
  .filter(({ kind, name }) => kind === 'Physical' && name !== 'eastus')
  .slice(0, 20)
  .map(({ name }) => name);

describe('an operator that ARM refuses for long', () => {
  let clock: FakeClock;
  let wire: ArmOverSockets;
  let armFor: OperatorModel['armFor'];
  let operators: OperatorModel[];
  /** The time of each object's next pass, in ms since the epoch. */
  let due: Map<OperatorModel, number>;

  async function begin(options: ArmEmulatorOptions = {}): Promise<void> {
    clock = new FakeClock();
    wire = await startArmOverSockets(clock, options);
    ({ armFor } = wire.connect());
    operators = [];
    due = new Map();
  }
  afterEach(() => wire.close());

  /** Adds an object whose registry has its home in eastus and these replicas. */
  function add(name: string, parts: ObjectParts, replicas: readonly string[] = []): OperatorModel {
    const { metadata, spec, ...rest } = anObject({ claimed: false, ...parts });
    const registry = { ...spec.registry, name };
    const object: RegistryReplication = {
      ...rest,
      metadata: { ...metadata, name, uid: name },
      spec: { ...spec, registry },
    };
    wire.emulator.azure.addRegistry(registry, { location: 'eastus' });
    for (const location of replicas) wire.emulator.azure.addReplica(registry, location);
    const operator = new OperatorModel(object, armFor(object), clock);
    operator.armFor = armFor;
    operators.push(operator);
    due.set(operator, clock.now().getTime());
    return operator;
  }

  function edit(operator: OperatorModel, spec: Partial<RegistryReplication['spec']>): void {
    operator.edit(spec);
    due.set(operator, clock.now().getTime());
  }

  /** Runs every pass when it is due, one after the other, for so many ms. */
  async function work(ms: number, afterPass: (operator: OperatorModel) => void = () => undefined): Promise<void> {
    const end = clock.now().getTime() + ms;
    for (;;) {
      const [next] = [...due].sort(([, one], [, other]) => one - other);
      if (!next || next[1] > end) break;
      const [operator, at] = next;
      await clock.advance(Math.max(0, at - clock.now().getTime()));
      const wait = await operator.pass();
      afterPass(operator);
      due.set(operator, clock.now().getTime() + (wait ?? Number.POSITIVE_INFINITY));
    }
    await clock.advance(end - clock.now().getTime());
  }

  function requests(matches: (entry: JournalEntry) => boolean): JournalEntry[] {
    return wire.emulator.journal.entries.filter((entry) => entry.endpoint !== 'token' && matches(entry));
  }

  const isReady = (operator: OperatorModel) => operator.condition('Ready')?.status === 'True';
  const timeOf = ({ at }: JournalEntry) => at.getTime();

  const rights = [
    {
      verb: 'create a replica',
      action: 'registries/replications/write',
      method: 'PUT',
      regions: ['japaneast'],
      there: [],
    },
    {
      verb: 'delete one',
      action: 'registries/replications/delete',
      method: 'DELETE',
      regions: ['eastus'],
      there: ['japaneast'],
    },
    {
      verb: 'read the registry',
      action: 'registries/read',
      method: 'GET',
      regions: ['japaneast'],
      there: ['japaneast'],
    },
  ];
  for (const { verb, action, method, regions, there } of rights) {
    it(`without the right to ${verb} tries once a minute at first and every ten minutes later, and continues once it is granted`, async () => {
      await begin();
      const operator = add('unpermitted', { regions }, there);
      const grant = wire.emulator.azure.faults.add({
        kind: 'forbidden',
        actions: [`Microsoft.ContainerRegistry/${action}`],
      });
      await work(5 * 60 * minute);
      expect(operator.condition('Stalled')).to.deep.include({ status: 'True' });
      const attempts = requests((entry) => entry.method === method && entry.status === 403).map(timeOf);
      const [first = 0] = attempts;
      const gaps = attempts.slice(1).map((at, index) => ({ since: at - first, ms: at - (attempts[index] ?? 0) }));
      expect(gaps.every(({ ms }) => ms >= minute)).to.equal(true);
      expect(gaps.filter(({ since, ms }) => since > 30 * minute && ms < 10 * minute)).to.deep.equal([]);
      expect(
        gaps.every(({ ms }) => ms <= 11 * minute),
        'it never gives up',
      ).to.equal(true);

      grant();
      const grantedAt = clock.now().getTime();
      await work(15 * minute);
      expect(isReady(operator)).to.equal(true);
      const taken = requests((entry) => entry.method === method && timeOf(entry) >= grantedAt);
      expect(timeOf(taken[0] as JournalEntry) - grantedAt).to.be.at.most(11 * minute);
    });
  }

  for (const most of [1, 3, 8]) {
    it(`makes all of 20 replicas where Azure lets ${most} be in motion at a time, and is rarely refused (trap 13)`, async () => {
      await begin({ timings: realistic });
      wire.emulator.azure.faults.add({ kind: 'crowded', most });
      const operator = add('crowded', { regions: twenty });
      operator.maxParallelActions = 10;
      await work(6 * second);
      expect(operator.status.plan?.at(-1)?.message).to.match(/at most [1-5] replicas of a registry change at a time/);
      await work(30 * minute);
      expect(isReady(operator)).to.equal(true);
      const puts = requests(({ method }) => method === 'PUT');
      expect(puts.filter(({ status }) => status === 201)).to.have.length(20);
      expect(puts.filter(({ status }) => status === 409)).to.have.lengthOf.within(1, 18);
      // Three or fewer for each replica, waiting included.
      expect(operator.statusWrites).to.be.at.most(60);
    });
  }

  it("makes five replicas at once after another client's operation of half a minute, and tries with fewer meanwhile", async () => {
    await begin({ timings: realistic });
    wire.emulator.azure.faults.add({ kind: 'busy', for: 30 * second });
    const operator = add('occupied', { regions: twenty.slice(0, 5) });
    operator.maxParallelActions = 10;
    await work(3 * minute);
    expect(isReady(operator)).to.equal(true);
    const puts = requests(({ method }) => method === 'PUT');
    expect(puts.filter(({ status }) => status === 409)).to.have.lengthOf.within(5, 12);
    const accepted = puts.filter(({ status }) => status === 201).map(timeOf);
    expect(accepted).to.have.length(5);
    expect(new Set(accepted).size).to.equal(1);
  });

  it('after a 429 on a write sends no write until its Retry-After, continues to read and delete, and emits no Warning', async () => {
    await begin();
    const ready = add('ready', { regions: ['japaneast'], spec: { interval: '1m' } }, ['japaneast']);
    await work(minute);
    wire.emulator.azure.faults.add({ kind: 'throttled', methods: ['PUT'], retryAfter: 90, times: 1 });
    const creating = add('creating', { regions: ['japaneast'] });
    const another = add('another', { regions: ['westeurope'] });
    const pruning = add('pruning', { regions: ['eastus'] }, ['japaneast']);
    await work(5 * minute);
    const sent = requests(() => true);
    const refused = sent.findIndex(({ status }) => status === 429);
    const allowedAt = timeOf(sent[refused] as JournalEntry) + 90 * second;
    const meanwhile = sent.slice(refused + 1).filter((entry) => timeOf(entry) < allowedAt);
    expect(new Set(meanwhile.map(({ method }) => method))).to.deep.equal(new Set(['GET', 'DELETE']));
    expect([ready, creating, another, pruning].map(isReady)).to.deep.equal([true, true, true, true]);
    const warnings = operators.flatMap(({ events }) => events.filter(({ type }) => type === 'Warning'));
    expect(warnings).to.deep.equal([]);
  });

  it('after a 429 on every read changes no condition, and sends one read per Retry-After', async () => {
    await begin();
    for (let n = 0; n < 20; n++)
      add(`registry${n}`, { regions: ['japaneast'], spec: { interval: '2m' } }, ['japaneast']);
    await work(5 * minute);
    const before = new Map(operators.map((operator) => [operator, operator.status.conditions]));
    const end = wire.emulator.azure.faults.add({ kind: 'throttled', retryAfter: 17 });
    const from = clock.now().getTime();
    await work(10 * minute, (operator) => expect(operator.status.conditions).to.deep.equal(before.get(operator)));
    const refused = requests((entry) => timeOf(entry) >= from && entry.status === 429).map(timeOf);
    expect(refused.length).to.be.at.least(20);
    const moments = [...new Set(refused)];
    expect(moments.every((at, index) => index === 0 || at - (moments[index - 1] ?? 0) >= 17 * second)).to.equal(true);

    await work(30 * minute);
    const unsure = operators.map((operator) => operator.condition('Ready')?.status);
    expect(new Set(unsure), 'unknown after so long').to.deep.equal(new Set(['Unknown']));
    end();
    await work(5 * minute);
    expect(operators.every(isReady)).to.equal(true);
  });

  it('with a short bucket serves edits before drift checks', async () => {
    const small = { size: 40, refill: 1 };
    await begin({ quota: { enforced: 10, sizes: { reads: small, writes: small, deletes: small } } });
    for (let n = 0; n < 50; n++)
      add(`registry${n}`, { regions: ['japaneast'], spec: { interval: '1m' } }, ['japaneast']);
    await work(10 * minute);
    const edited = operators.slice(0, 5);
    const from = clock.now().getTime();
    for (const operator of edited) edit(operator, { regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await work(5 * minute);
    const creations = requests(({ method }) => method === 'PUT').map((entry) => timeOf(entry) - from);
    expect(creations).to.have.length(5);
    expect(Math.max(...creations), 'without precedence it takes minutes').to.be.at.most(30 * second);
    expect(edited.every(isReady)).to.equal(true);
    const looks = requests((entry) => timeOf(entry) >= from && entry.endpoint === 'replicas');
    const wanted = (operators.length - edited.length) * 5;
    expect(looks.length, `looks, of which ${wanted} were due for drift alone`).to.be.at.most(0.8 * wanted);
    expect(operators.every(isReady)).to.equal(true);
  });
});
