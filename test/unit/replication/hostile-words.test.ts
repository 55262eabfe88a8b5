import { RestError } from '@azure/core-rest-pipeline';
import { expect } from 'chai';
import fc from 'fast-check';
import { allowedRegistries } from '../../../src/api/registryreplication.ts';
import type { Arm, ArmError } from '../../../src/azure/arm.ts';
import { failureFrom, flatten, parseRegistry, parseReplica } from '../../../src/azure/arm-responses.ts';
import { toArmError } from '../../../src/azure/errors.ts';
import { toEvent } from '../../../src/kubernetes/events/event.ts';
import { FakeClock } from '../../fake-clock.ts';
import { anyHostileText, findHarmfulText } from '../../hostile-text.ts';
import { anObject, now } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

/** What Azure says wherever it has a say: text of any kind in place of words, and perhaps of names. */
const anyAnswers = fc.record({
  words: anyHostileText,
  code: anyHostileText,
  status: fc.constantFrom(400, 401, 403, 404, 409, 412, 429, 500, 503),
  tag: anyHostileText,
  nameless: fc.boolean(),
  refuses: fc.constantFrom('nothing', 'writes', 'everything'),
  provisioning: fc.constantFrom('Succeeded', 'Failed', 'Updating', undefined),
});

type Answers = typeof anyAnswers extends fc.Arbitrary<infer T> ? T : never;

const id =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007';

/** An ARM of which every answer goes the way that it goes from the wire, but for the wire. */
function armSaying({ words, code, status, tag, nameless, refuses, provisioning }: Answers): Arm {
  const refusal = (doing: string): ArmError => {
    const headers = { get: () => undefined };
    const response = { status, bodyAsText: JSON.stringify({ error: { code, message: words } }), headers };
    return toArmError(Object.assign(new RestError(words, { statusCode: status }), { response }), doing);
  };
  const answering = async <T>(isWrite: boolean, doing: string, read: () => T): Promise<T> => {
    if (refuses === 'everything' || (isWrite && refuses === 'writes')) throw refusal(doing);
    try {
      return read();
    } catch (error) {
      throw toArmError(error, doing);
    }
  };
  const replica = (name: string) =>
    parseReplica(
      flatten({
        name: nameless ? words : name,
        location: nameless ? words : name,
        tags: { [tag]: tag },
        properties: {
          provisioningState: provisioning ?? words,
          status: { displayStatus: words, message: words, timestamp: words },
        },
      }),
    );
  const registry = () =>
    parseRegistry(
      flatten({
        id: nameless ? words : id,
        location: nameless ? words : 'eastus',
        sku: { name: nameless ? words : 'Premium' },
        properties: { loginServer: words, creationDate: words, provisioningState: nameless ? words : 'Succeeded' },
      }),
    );
  return {
    registry: () => answering(false, `read registry ${words}`, registry),
    replicas: () => answering(false, 'list', () => [replica('eastus'), replica('westeurope')]),
    replica: (_, name) => answering(false, `read ${words}`, () => replica(name)),
    create: (_, name) => answering(true, 'create', () => ({ replica: replica(name) })),
    update: (_, name) => answering(true, 'update', () => replica(name)),
    remove: () => answering(true, 'remove', () => undefined),
    failure: () =>
      answering(false, 'failure', () => failureFrom({ status: 'Failed', error: { code, message: words } })),
    locations: () => answering(false, 'list', () => []),
  };
}

describe('hostile words', () => {
  /** Everything that the operator has said after some passes: in the object and in its events. */
  async function saidAfter(operator: OperatorModel, clock: FakeClock) {
    for (let pass = 1; pass <= 4; pass++) await clock.advance((await operator.pass()) ?? 60_000);
    const reporter = { controller: 'c', instance: 'i' };
    const events = operator.happenings.map((one) => toEvent(operator.object, one, reporter, 0, () => 0.5));
    for (const { note = '' } of events) expect(Buffer.byteLength(note)).to.be.at.most(1_024);
    return {
      status: operator.status,
      events: events.map(({ type, reason, action, note }) => ({ type, reason, action, note })),
    };
  }

  it('of Azure cannot do harm in a status or an event, nor fill them', async () => {
    await fc.assert(
      fc.asyncProperty(anyAnswers, async (answers) => {
        const clock = new FakeClock(now.toISOString());
        const operator = new OperatorModel(
          anObject({ regions: ['westeurope', 'japaneast'] }),
          armSaying(answers),
          clock,
        );
        const said = await saidAfter(operator, clock);
        expect(findHarmfulText(said)).to.deep.equal([]);
        expect(JSON.stringify(said.status).length).to.be.below(65_536);
      }),
      { numRuns: 150 },
    );
  });

  it('of the authors of objects cannot do harm in a status or an event, even where no schema has refused them', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyHostileText,
        fc.constantFrom(
          ...['location', 'tag', 'value', 'group', 'name', 'subscription', 'interval', 'identity', 'namespace'],
        ),
        async (text, where) => {
          const { spec } = anObject();
          const put = (place: string, otherwise: string) => (where === place ? text : otherwise);
          const registry = {
            subscriptionId: put('subscription', spec.registry.subscriptionId),
            resourceGroup: put('group', spec.registry.resourceGroup),
            name: put('name', spec.registry.name),
          };
          const region = {
            location: put('location', 'japaneast'),
            tags: { [put('tag', 'team')]: put('value', 'web') },
          };
          const identity = { serviceAccountName: put('identity', 'registries') };
          const object = anObject({
            spec: { registry, regions: [region], interval: put('interval', '10m'), identity },
          });
          const clock = new FakeClock(now.toISOString());
          const arm = armSaying({
            words: 'fine',
            code: '',
            status: 400,
            tag: 'a',
            nameless: false,
            refuses: 'nothing',
            provisioning: 'Succeeded',
          });
          const operator = new OperatorModel(object, arm, clock);
          const namespace = { annotations: where === 'namespace' ? { [allowedRegistries]: text } : {} };
          operator.namespaces = { registries: namespace };
          const said = await saidAfter(operator, clock);
          expect(findHarmfulText(said)).to.deep.equal([]);
          expect(JSON.stringify(said.status).length).to.be.below(65_536);
        },
      ),
      { numRuns: 150 },
    );
  });
});
