// Objects and views for the demo's tests.
import type { RegionStatus, RegistryReplication, Status } from '../../../src/api/registryreplication.ts';
import type { RegionView, View } from '../../demo/view.ts';

export function object(status?: Status): RegistryReplication {
  return {
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { namespace: 'registries', name: 'myacr0007', generation: 2 },
    spec: {
      registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'group', name: 'myACR0007' },
      regions: [{ location: 'japaneast' }],
    },
    ...(status && { status }),
  };
}

export function row(row: Partial<RegionStatus>): RegionStatus {
  return { location: 'japaneast', desired: true, home: false, state: 'Syncing', ...row };
}

export function view(view: Partial<View>): View {
  return {
    name: 'registries/myacr0007',
    registry: 'myACR0007',
    phase: 'Syncing',
    readyRegions: '0/1',
    isReady: false,
    message: '',
    regions: [],
    ...view,
  };
}

export function region(region: Partial<RegionView>): RegionView {
  return {
    location: 'japaneast',
    home: false,
    desired: true,
    state: 'Creating',
    azure: '',
    routing: '',
    need: '',
    since: undefined,
    message: '',
    ...region,
  };
}
