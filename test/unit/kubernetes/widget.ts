// A kind of object for tests of the controller runtime, which is generic over kinds.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { ResourceKind } from '../../../src/kubernetes/client/collection.ts';

export interface Widget extends KubernetesObject {
  spec?: { size?: number };
  status?: { seen?: number };
}

export const widgets: ResourceKind = { group: 'example.dev', version: 'v1', plural: 'widgets' };

export function widget(name: string, resourceVersion: string, more: Widget = {}): Widget {
  const { metadata, ...rest } = more;
  return {
    apiVersion: 'example.dev/v1',
    kind: 'Widget',
    metadata: { namespace: 'toys', name, uid: `uid-${name}`, generation: 1, resourceVersion, ...metadata },
    ...rest,
  };
}
