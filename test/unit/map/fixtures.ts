// Objects as the map's tests need them.
import type { RegionState, RegistryReplication, Status } from '../../../src/api/registryreplication.ts';

/** An object with the status. */
export function objectWith(
  status: Status | undefined,
  name = 'myacr0007',
  namespace = 'registries',
): RegistryReplication {
  return {
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { name, namespace, uid: 'one', generation: 3 },
    spec: {
      registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'myACR0007' },
      regions: [{ location: 'Japan East' }, { location: 'westeurope', routing: 'WhenReady' }],
    },
    ...(status && { status }),
  };
}

export const row = (location: string, state: RegionState, home = false) => ({ location, state, home, desired: !home });
