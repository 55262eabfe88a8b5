// What `--follow` shows: the registry gets the region of a node that comes, keeps it for a while when the node is gone, and loses it.
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { DemoCluster } from './cluster.ts';
import { addNode, removeNode, watchNodes } from './nodes.ts';
import { homeRegion, keepUnused } from './sample.ts';
import type { Screen } from './screen.ts';
import type { View } from './view.ts';
import { logTo, type Watching } from './watch.ts';

export interface Showing {
  readonly cluster: DemoCluster;
  readonly watching: Watching;
  readonly context: {
    readonly screen: Screen;
    readonly clock: Clock;
    /** Receives the cleanup of what is started. */
    readonly started: AsyncDisposableStack;
  };
}

const [firstNode, firstRegion] = ['web-1', 'japaneast'];
const [secondNode, secondRegion] = ['web-2', 'westeurope'];

/** Resolves when the region of a node that has gone is pruned. */
export async function showFollowing(
  object: RegistryReplication,
  { cluster, watching, context: { screen, clock, started } }: Showing,
): Promise<void> {
  const { name } = object.spec.registry;
  const nodes = watchNodes(cluster.cluster, { screen, clock, log: logTo(screen) });
  started.defer(() => nodes.stop());
  await nodes.synced;
  await addNode(cluster.cluster, firstNode, firstRegion);
  screen.say(
    `Applying an object that lists no regions: ${name}, at home in ${homeRegion}, follows the cluster's nodes.`,
  );
  await cluster.apply(object);
  await watching.until(({ isReady }) => isReady);

  screen.say(`Adding a node in ${secondRegion}, as an autoscaler does: the registry gets a replica there.`);
  await addNode(cluster.cluster, secondNode, secondRegion);
  await watching.until((view) => view.isReady && regionIn(view)?.state === 'Ready');

  screen.say(`Removing that node: its region is unused now, and kept for ${keepUnused} in case another node comes.`);
  await removeNode(cluster.cluster, secondNode);
  await watching.until((view) => view.isReady && regionIn(view) === undefined);
}

function regionIn({ regions }: View): View['regions'][number] | undefined {
  return regions.find(({ location }) => location === secondRegion);
}
