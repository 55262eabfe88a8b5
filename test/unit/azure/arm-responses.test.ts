import { expect } from 'chai';
import fc from 'fast-check';
import {
  failureFrom,
  flatten,
  MalformedResponseError,
  parseLocations,
  parseRegistry,
  parseReplica,
} from '../../../src/azure/arm-responses.ts';

describe("ARM's responses", () => {
  it('list the regions that take resources, in the short form', () => {
    const value = [
      { name: 'japaneast', displayName: 'Japan East', metadata: { regionType: 'Physical' } },
      { name: 'EastUS', metadata: {} },
      { name: 'westus' },
      { name: 'europe', metadata: { regionType: 'Logical' } },
      ...[{ name: 'a'.repeat(65) }, { name: 'a b<' }, { name: 7 }, {}, null, 'eastus'],
    ];
    expect(parseLocations({ value })).to.deep.equal(['japaneast', 'eastus', 'westus']);
  });

  it('without a list of regions are malformed, not empty', () => {
    for (const body of [undefined, null, [], {}, { value: 'eastus' }, { value: [] }, { value: [null] }])
      expect(() => parseLocations(body)).to.throw(MalformedResponseError);
  });

  // Recorded: Azure/azure-cli test_acr_create_replication.yaml, 2026-09-10.
  const creating = {
    type: 'Microsoft.ContainerRegistry/registries/replications',
    id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/replications/centralus',
    name: 'centralus',
    location: 'centralus',
    tags: {},
    systemData: { createdBy: 'test@example.com', createdAt: '2026-09-10T06:44:50.2658749+00:00' },
    properties: {
      provisioningState: 'Creating',
      status: { timestamp: '2026-09-10T06:44:50.9988435Z' },
      regionEndpointEnabled: true,
      zoneRedundancy: 'Disabled',
    },
  };

  it('show a replica in state Creating, which has no display status yet', () => {
    expect(parseReplica(flatten(creating))).to.deep.equal({
      name: 'centralus',
      location: 'centralus',
      provisioningState: 'Creating',
      routing: true,
      tags: {},
      createdAt: '2026-09-10T06:44:50.265Z',
    });
  });

  it('give the reason of a failed operation on one bounded line, without the signature of a URL', () => {
    const message = `no free address\nsee https://management.azure.com/x?sig=secret ${'long '.repeat(999)}`;
    const failure = failureFrom({ status: 'Failed', error: { code: 'PrivateEndpointIpExhausted', message } }) ?? '';
    expect(failure).to.match(
      /^PrivateEndpointIpExhausted: no free address see https:\/\/management\.azure\.com\/x long /,
    );
    expect(failure.length).to.be.at.most(600);
    for (const body of [undefined, 'x', {}, { status: 'Succeeded' }, { status: 'Canceled', error: null }])
      expect(failureFrom(body)).to.equal(undefined);
  });

  it('are truncated and sanitized for a status', () => {
    const status = { displayStatus: 'x'.repeat(9_999), message: `\u001b[31mfirst\nsecond ${'long '.repeat(99_999)}` };
    const { displayStatus = '', statusMessage = '' } = parseReplica({ name: 'n', location: 'l', status });
    expect(displayStatus.length).to.equal(64);
    expect(statusMessage.length).to.equal(1_024);
    expect(statusMessage).to.match(/^\[31mfirst second long/);
  });

  it('with an invalid name or location are malformed', () => {
    expect(() => parseReplica({ name: 'n'.repeat(257), location: 'l' })).to.throw(MalformedResponseError);
    expect(() => parseReplica({ name: 'n', location: 'l'.repeat(257) })).to.throw(MalformedResponseError);
  });

  it('keep unknown values', () => {
    const answer = {
      name: 'n',
      location: 'l',
      provisioningState: 'Migrating',
      status: { displayStatus: 'online', message: 'm' },
    };
    expect(parseReplica(answer)).to.include({
      provisioningState: 'Migrating',
      displayStatus: 'online',
      statusMessage: 'm',
    });
  });

  it('show a replica as routed by default', () => {
    expect(parseReplica({ name: 'n', location: 'l' }).routing).to.equal(true);
    expect(parseReplica({ name: 'n', location: 'l', regionEndpointEnabled: false }).routing).to.equal(false);
  });

  it('keep every tag, whatever its key', () => {
    const tags = JSON.parse('{"__proto__":"a","constructor":"b","team":"web"}');
    expect(Object.entries(parseReplica({ name: 'n', location: 'l', tags }).tags)).to.have.length(3);
  });

  it('show a registry, with its creation time normalized', () => {
    const registry = {
      id: '/x',
      location: 'westus',
      sku: { name: 'Premium' },
      creationDate: '2026-09-10T06:44:40.1234567+00:00',
    };
    expect(parseRegistry(registry)).to.deep.equal({
      id: '/x',
      location: 'westus',
      sku: 'Premium',
      creationDate: '2026-09-10T06:44:40.123Z',
    });
    const { creationDate } = parseRegistry({ ...registry, creationDate: new Date('2026-09-10T06:44:40.123Z') });
    expect(creationDate).to.equal('2026-09-10T06:44:40.123Z');
  });

  it('are malformed without a name or location, and parsed otherwise, whatever else they contain', () => {
    fc.assert(
      fc.property(fc.anything(), fc.object(), (any, object) => {
        for (const body of [any, object]) {
          expect(() => parseReplica(flatten(body)).name).to.satisfy(readsOrRefuses);
          expect(() => parseRegistry(flatten(body)).id).to.satisfy(readsOrRefuses);
        }
        expect(parseReplica({ ...object, name: 'n', location: 'l' })).to.include({ name: 'n', location: 'l' });
        expect(parseRegistry({ ...object, id: '/x', location: 'l' })).to.include({ id: '/x', location: 'l' });
      }),
    );
  });
});

function readsOrRefuses(read: () => string): boolean {
  try {
    return read() !== '';
  } catch (error) {
    return error instanceof MalformedResponseError;
  }
}
