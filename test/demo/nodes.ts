// The nodes that the demo's object follows. The emulated cluster runs none: each is an object with a name and the label of its region.
import { CoreV1Api, type V1Node } from '@kubernetes/client-node';
import { type Informer, startInformer } from '../../src/kubernetes/cache/informer.ts';
import { Store } from '../../src/kubernetes/cache/store.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import { collection } from '../../src/kubernetes/client/collection.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { kubeApi } from '../kube-api.ts';
import type { Screen } from './screen.ts';
import { nodeViewOf, regionLabel } from './view.ts';

export function nodeIn(name: string, region: string): V1Node {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { [regionLabel]: region } } };
}

export async function addNode(cluster: KubeClient, name: string, region: string): Promise<void> {
  await kubeApi(cluster, CoreV1Api).createNode({ body: nodeIn(name, region) });
}

export async function removeNode(cluster: KubeClient, name: string): Promise<void> {
  await kubeApi(cluster, CoreV1Api).deleteNode({ name });
}

/** Shows every change of the cluster's nodes. */
export function watchNodes(cluster: KubeClient, { screen, clock, log }: WatchNodesOptions): Informer {
  const store = new Store<V1Node>();
  const kind = { group: '', version: 'v1', plural: 'nodes', namespaced: false, transform: (object: V1Node) => object };
  return startInformer({
    cluster,
    resource: collection<V1Node>(cluster, kind),
    store,
    onChange() {
      const nodes = store.list().map(nodeViewOf);
      screen.showNodes(nodes.sort((one, other) => one.name.localeCompare(other.name)));
    },
    clock,
    random: Math.random,
    log,
  });
}

export interface WatchNodesOptions {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly log: Log;
}
