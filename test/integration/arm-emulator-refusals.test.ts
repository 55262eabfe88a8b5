// The ARM emulator refuses what ARM or ACR refuses, with the same status and code.
import { expect } from 'chai';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { held } from '../emulators/arm/timings.ts';
import { type ArmResponse, ArmTestClient, reference, registryId, replicaPath } from './arm-test-client.ts';

describe('the ARM emulator', () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  describe('refuses', () => {
    const cases: {
      what: string;
      status: number;
      code: string;
      asking: () => Promise<ArmResponse>;
    }[] = [
      {
        what: 'a request without an api-version',
        status: 400,
        code: 'MissingApiVersionParameter',
        asking: () => send('GET', `${registryId}?api-version=`),
      },
      {
        what: 'an unknown api-version',
        status: 400,
        code: 'NoRegisteredProviderFound',
        asking: () => send('GET', `${registryId}?api-version=2015-01-01`),
      },
      {
        what: 'an unknown subscription',
        status: 404,
        code: 'SubscriptionNotFound',
        asking: () => send('GET', registryId.replace(defaultSubscriptionId, '12345678-0000-0000-0000-000000000000')),
      },
      {
        what: 'an unknown resource group',
        status: 404,
        code: 'ResourceGroupNotFound',
        asking: () => send('GET', registryId.replace('myresourcegroup', 'other')),
      },
      {
        what: 'an unknown registry',
        status: 404,
        code: 'ResourceNotFound',
        asking: () => send('GET', registryId.replace('myACR0007', 'nothing')),
      },
      {
        what: 'a replica of an unknown registry',
        status: 404,
        code: 'ParentResourceNotFound',
        asking: () => send('PUT', replicaPath('japaneast').replace('myACR0007', 'nothing'), { location: 'japaneast' }),
      },
      {
        what: 'an unknown region',
        status: 400,
        code: 'LocationNotAvailableForResourceType',
        asking: () => create('japaneest'),
      },
      {
        what: 'a withdrawn region',
        status: 400,
        code: 'LocationNotAvailableForResourceType',
        asking: () => {
          arm.emulator.azure.withdrawRegion('Japan West');
          return create('japanwest');
        },
      },
      {
        what: 'a replica name that another location uses',
        status: 409,
        code: 'InvalidResourceLocation',
        asking: async () => {
          await create('japaneast');
          return create('japaneast', 'japanwest');
        },
      },
      {
        what: 'a second replica at a location',
        status: 409,
        code: 'ReplicationAlreadyExists',
        asking: async () => {
          await create('japaneast');
          return create('japaneast2', 'japaneast');
        },
      },
      {
        what: 'replicas of a registry that is not Premium',
        status: 400,
        code: 'ReplicationNotSupported',
        asking: () => {
          arm.emulator.azure.changeRegistry(reference, { sku: 'Standard' });
          return create('japaneast');
        },
      },
      {
        what: 'a write to a registry in motion',
        status: 409,
        code: 'Conflict',
        asking: () => {
          arm.emulator.azure.changeRegistry(reference, { provisioningState: 'Updating' });
          return create('japaneast');
        },
      },
      {
        what: 'a change of a replica in motion',
        status: 409,
        code: 'Conflict',
        asking: async () => {
          arm.emulator.azure.timings = held;
          await create('japaneast');
          return send('PATCH', replicaPath('japaneast'), { tags: {} });
        },
      },
      {
        what: 'the deletion of a replica that is being created',
        status: 409,
        code: 'Conflict',
        asking: async () => {
          arm.emulator.azure.timings = held;
          await create('japaneast');
          return send('DELETE', replicaPath('japaneast'));
        },
      },
      {
        what: 'the deletion of the home replica while there are others',
        status: 400,
        code: 'HomeReplicationCannotBeDeleted',
        asking: async () => {
          await create('japaneast');
          return send('DELETE', replicaPath('eastus'));
        },
      },
      {
        what: 'a change of zone redundancy',
        status: 400,
        code: 'ZoneRedundancyCannotBeUpdated',
        asking: async () => {
          await create('japaneast');
          return send('PUT', replicaPath('japaneast'), {
            location: 'japaneast',
            properties: { zoneRedundancy: 'Enabled' },
          });
        },
      },
      {
        what: 'a name with a hyphen',
        status: 400,
        code: 'InvalidResourceName',
        asking: () => create('japan-east', 'japaneast'),
      },
      {
        what: 'a body that is not JSON',
        status: 400,
        code: 'InvalidRequestContent',
        asking: () => send('PUT', replicaPath('japaneast'), '{"location":'),
      },
      {
        what: 'a body without a location',
        status: 400,
        code: 'LocationRequired',
        asking: () => send('PUT', replicaPath('japaneast'), { properties: {} }),
      },
      {
        what: 'routing that is neither on nor off',
        status: 400,
        code: 'InvalidRequestContent',
        asking: () =>
          send('PUT', replicaPath('japaneast'), {
            location: 'japaneast',
            properties: { regionEndpointEnabled: 'yes' },
          }),
      },
      {
        what: 'tags that are not strings',
        status: 400,
        code: 'InvalidRequestContent',
        asking: () => send('PUT', replicaPath('japaneast'), { location: 'japaneast', tags: { a: 1 } }),
      },
    ];
    for (const { what, status, code, asking } of cases) {
      it(what, async () => {
        await start();
        const answer = await asking();
        expect({ status: answer.status, code: answer.body.error?.code }).to.deep.equal({ status, code });
      });
    }
  });
});
