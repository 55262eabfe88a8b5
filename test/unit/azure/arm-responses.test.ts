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
  // Recorded: Azure/azure-cli test_list_locations.yaml, 2022-01-24; `type` and `geography` by the specification of 2022-12-01.
  const southAfricaNorth = {
    id: '/subscriptions/00000000-0000-0000-0000-000000000000/locations/southafricanorth',
    name: 'southafricanorth',
    type: 'Region',
    displayName: 'South Africa North',
    regionalDisplayName: '(Africa) South Africa North',
    metadata: {
      regionType: 'Physical',
      regionCategory: 'Recommended',
      geography: 'South Africa',
      geographyGroup: 'Africa',
      longitude: '28.218370',
      latitude: '-25.731340',
      physicalLocation: 'Johannesburg',
      pairedRegion: [
        {
          name: 'southafricawest',
          id: '/subscriptions/00000000-0000-0000-0000-000000000000/locations/southafricawest',
        },
      ],
    },
  };
  const europe = {
    id: '/subscriptions/00000000-0000-0000-0000-000000000000/locations/europe',
    name: 'europe',
    displayName: 'Europe',
    regionalDisplayName: 'Europe',
    metadata: { regionType: 'Logical', regionCategory: 'Other' },
  };

  it('list the regions that take resources, with name, geography and place', () => {
    expect(parseLocations({ value: [southAfricaNorth, europe] })).to.deep.equal({
      items: [
        {
          name: 'southafricanorth',
          displayName: 'South Africa North',
          geography: 'South Africa',
          coordinates: { latitude: -25.73134, longitude: 28.21837 },
        },
      ],
      nextLink: undefined,
    });
  });

  it('list a region by its name alone where the rest is missing, hostile or odd', () => {
    const place = (latitude: unknown, longitude: unknown) => ({ name: 'westus', metadata: { latitude, longitude } });
    const odd = [
      { name: 'WestUS' },
      { name: 'westus', displayName: 7, metadata: [] },
      { name: 'westus', displayName: '', metadata: { geography: {}, regionType: 'Future', pairedRegion: 'eastus' } },
      ...[place('37', undefined), place(37.783, -122.417), place('90.1', '0'), place('1', '180.5'), place('1e1', '1')],
      ...[place('', ''), place('NaN', 'NaN'), place(' 1', '1'), place('0x1', '1'), place('-', '1'), place([1], ['1'])],
    ];
    for (const item of odd) expect(parseLocations({ value: [item] }).items).to.deep.equal([{ name: 'westus' }]);
  });

  it('show a text of a region on one line, and cut it', () => {
    const metadata = { geography: `a\u202eb\n${'c'.repeat(100)}` };
    const [location] = parseLocations({ value: [{ name: 'westus', displayName: 'West\u0000\nUS', metadata }] }).items;
    expect(location?.displayName).to.match(/^[ -~]+$/);
    expect(location?.geography).to.have.length.at.most(64);
    expect(location?.geography).not.to.match(/[\n\u202e]/);
  });

  it('leave out locations without a usable name', () => {
    const value = [{ name: 'a'.repeat(65) }, { name: 'a b<' }, { name: '' }, { name: 7 }, {}, null, 'eastus', []];
    expect(parseLocations({ value }).items).to.deep.equal([]);
  });

  it('without a list of regions are malformed, not empty', () => {
    for (const body of [undefined, null, [], {}, { value: 'eastus' }, [southAfricaNorth]])
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
