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
import { propertyRuns } from '../../property-runs.ts';
import { anObject, now } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

/** Arbitrary text wherever Azure's responses contain text, and optionally in place of names. */
const anyResponses = fc.record({
  text: anyHostileText,
  code: anyHostileText,
  status: fc.constantFrom(400, 401, 403, 404, 409, 412, 429, 500, 503),
  tag: anyHostileText,
  withHostileNames: fc.boolean(),
  rejects: fc.constantFrom('nothing', 'writes', 'everything'),
  provisioning: fc.constantFrom('Succeeded', 'Failed', 'Updating', undefined),
});

type Responses = typeof anyResponses extends fc.Arbitrary<infer T> ? T : never;

const id =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007';

/** An ARM client that parses each response as the real one does, without HTTP. */
function armResponding({ text, code, status, tag, withHostileNames, rejects, provisioning }: Responses): Arm {
  const rejection = (operation: string): ArmError => {
    const headers = { get: () => undefined };
    const response = { status, bodyAsText: JSON.stringify({ error: { code, message: text } }), headers };
    return toArmError(Object.assign(new RestError(text, { statusCode: status }), { response }), operation);
  };
  const respond = async <T>(isWrite: boolean, operation: string, read: () => T): Promise<T> => {
    if (rejects === 'everything' || (isWrite && rejects === 'writes')) throw rejection(operation);
    try {
      return read();
    } catch (error) {
      throw toArmError(error, operation);
    }
  };
  const replica = (name: string) =>
    parseReplica(
      flatten({
        name: withHostileNames ? text : name,
        location: withHostileNames ? text : name,
        tags: { [tag]: tag },
        properties: {
          provisioningState: provisioning ?? text,
          status: { displayStatus: text, message: text, timestamp: text },
        },
      }),
    );
  const registry = () =>
    parseRegistry(
      flatten({
        id: withHostileNames ? text : id,
        location: withHostileNames ? text : 'eastus',
        sku: { name: withHostileNames ? text : 'Premium' },
        properties: { loginServer: text, creationDate: text, provisioningState: withHostileNames ? text : 'Succeeded' },
      }),
    );
  return {
    registry: () => respond(false, `read registry ${text}`, registry),
    replicas: () => respond(false, 'list', () => [replica('eastus'), replica('westeurope')]),
    replica: (_, name) => respond(false, `read ${text}`, () => replica(name)),
    create: (_, name) => respond(true, 'create', () => ({ replica: replica(name) })),
    update: (_, name) => respond(true, 'update', () => ({ replica: replica(name) })),
    remove: () => respond(true, 'remove', () => ({})),
    failure: () => respond(false, 'failure', () => failureFrom({ status: 'Failed', error: { code, message: text } })),
    locations: () => respond(false, 'list', () => []),
  };
}

describe('hostile text', () => {
  /** The status and the events after some passes. */
  async function outputAfter(operator: OperatorModel, clock: FakeClock) {
    for (let pass = 1; pass <= 4; pass++) await clock.advance((await operator.pass()) ?? 60_000);
    const reporter = { controller: 'c', instance: 'i' };
    const events = operator.events.map((event) => toEvent(operator.object, event, reporter, 0, () => 0.5));
    for (const { note = '' } of events) expect(Buffer.byteLength(note)).to.be.at.most(1_024);
    return {
      status: operator.status,
      events: events.map(({ type, reason, action, note }) => ({ type, reason, action, note })),
    };
  }

  it("in Azure's responses is sanitized and bounded in the status and in events", async () => {
    await fc.assert(
      fc.asyncProperty(anyResponses, async (responses) => {
        const clock = new FakeClock(now.toISOString());
        const operator = new OperatorModel(
          anObject({ regions: ['westeurope', 'japaneast'] }),
          armResponding(responses),
          clock,
        );
        const output = await outputAfter(operator, clock);
        expect(findHarmfulText(output)).to.deep.equal([]);
        expect(JSON.stringify(output.status).length).to.be.below(65_536);
      }),
      propertyRuns(150),
    );
  });

  it('in objects is sanitized in the status and in events, even if no schema has rejected it', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyHostileText,
        fc.constantFrom(
          ...['location', 'tag', 'value', 'group', 'name', 'subscription', 'interval', 'identity', 'namespace'],
        ),
        async (text, where) => {
          const { spec } = anObject();
          const orHostile = (place: string, regular: string) => (where === place ? text : regular);
          const registry = {
            subscriptionId: orHostile('subscription', spec.registry.subscriptionId),
            resourceGroup: orHostile('group', spec.registry.resourceGroup),
            name: orHostile('name', spec.registry.name),
          };
          const region = {
            location: orHostile('location', 'japaneast'),
            tags: { [orHostile('tag', 'team')]: orHostile('value', 'web') },
          };
          const identity = { serviceAccountName: orHostile('identity', 'registries') };
          const object = anObject({
            spec: { registry, regions: [region], interval: orHostile('interval', '10m'), identity },
          });
          const clock = new FakeClock(now.toISOString());
          const arm = armResponding({
            text: 'fine',
            code: '',
            status: 400,
            tag: 'a',
            withHostileNames: false,
            rejects: 'nothing',
            provisioning: 'Succeeded',
          });
          const operator = new OperatorModel(object, arm, clock);
          const namespace = { annotations: where === 'namespace' ? { [allowedRegistries]: text } : {} };
          operator.namespaces = { registries: namespace };
          const output = await outputAfter(operator, clock);
          expect(findHarmfulText(output)).to.deep.equal([]);
          expect(JSON.stringify(output.status).length).to.be.below(65_536);
        },
      ),
      propertyRuns(150),
    );
  });
});
