// What the ARM emulator refuses, because ARM or ACR does: each with its status and code.
import { expect } from 'chai';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { held } from '../emulators/arm/timings.ts';
import { type Answer, ArmCaller, reference, registryId, replicaPath } from './arm-caller.ts';

describe('the ARM emulator', () => {
  const arm = new ArmCaller();
  const { begin, send, create } = arm;

  afterEach(arm.end);

  describe('refuses', () => {
    const cases: {
      what: string;
      status: number;
      code: string;
      asking: () => Promise<Answer>;
    }[] = [
      {
        what: 'a request without an api-version',
        status: 400,
        code: 'MissingApiVersionParameter',
        asking: () => send('GET', `${registryId}?api-version=`),
      },
      {
        what: 'an api-version that it does not know',
        status: 400,
        code: 'NoRegisteredProviderFound',
        asking: () => send('GET', `${registryId}?api-version=2015-01-01`),
      },
      {
        what: 'a subscription that is not there',
        status: 404,
        code: 'SubscriptionNotFound',
        asking: () => send('GET', registryId.replace(defaultSubscriptionId, '12345678-0000-0000-0000-000000000000')),
      },
      {
        what: 'a resource group that is not there',
        status: 404,
        code: 'ResourceGroupNotFound',
        asking: () => send('GET', registryId.replace('myresourcegroup', 'other')),
      },
      {
        what: 'a registry that is not there',
        status: 404,
        code: 'ResourceNotFound',
        asking: () => send('GET', registryId.replace('myACR0007', 'nothing')),
      },
      {
        what: 'a replica of a registry that is not there',
        status: 404,
        code: 'ParentResourceNotFound',
        asking: () => send('PUT', replicaPath('japaneast').replace('myACR0007', 'nothing'), { location: 'japaneast' }),
      },
      {
        what: 'a region that does not exist',
        status: 400,
        code: 'LocationNotAvailableForResourceType',
        asking: () => create('japaneest'),
      },
      {
        what: 'a region that takes nothing any more',
        status: 400,
        code: 'LocationNotAvailableForResourceType',
        asking: () => {
          arm.emulator.azure.withdrawRegion('Japan West');
          return create('japanwest');
        },
      },
      {
        what: 'a name that another location has',
        status: 409,
        code: 'InvalidResourceLocation',
        asking: async () => {
          await create('japaneast');
          return create('japaneast', 'japanwest');
        },
      },
      {
        what: 'a second name for a location',
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
        what: 'to write to a registry in motion',
        status: 409,
        code: 'Conflict',
        asking: () => {
          arm.emulator.azure.changeRegistry(reference, { provisioningState: 'Updating' });
          return create('japaneast');
        },
      },
      {
        what: 'to change a replica in motion',
        status: 409,
        code: 'Conflict',
        asking: async () => {
          arm.emulator.azure.timings = held;
          await create('japaneast');
          return send('PATCH', replicaPath('japaneast'), { tags: {} });
        },
      },
      {
        what: 'to delete a replica that is being created',
        status: 409,
        code: 'Conflict',
        asking: async () => {
          arm.emulator.azure.timings = held;
          await create('japaneast');
          return send('DELETE', replicaPath('japaneast'));
        },
      },
      {
        what: 'to delete the home replica while there are others',
        status: 400,
        code: 'HomeReplicationCannotBeDeleted',
        asking: async () => {
          await create('japaneast');
          return send('DELETE', replicaPath('eastus'));
        },
      },
      {
        what: 'to change zone redundancy',
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
        what: 'a body that is no JSON',
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
        what: 'tags that are no text',
        status: 400,
        code: 'InvalidRequestContent',
        asking: () => send('PUT', replicaPath('japaneast'), { location: 'japaneast', tags: { a: 1 } }),
      },
    ];
    for (const { what, status, code, asking } of cases) {
      it(what, async () => {
        await begin();
        const answer = await asking();
        expect({ status: answer.status, code: answer.body.error?.code }).to.deep.equal({ status, code });
      });
    }
  });
});
