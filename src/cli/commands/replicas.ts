// `kubectl georep replicas [NAME]`, the default verb: one line for each replica, as `az acr replication list` prints it.
import type { Command } from 'commander';
import type { Cluster } from '../cluster.ts';
import { printListing } from '../output.ts';
import { replicaColumns, replicaRows } from '../replica-rows.ts';
import type { Session } from '../session.ts';
import { type GlobalOptions, objectsOf, withCluster } from '../verb.ts';

export function registerReplicas(program: Command, session: Session): void {
  program
    .command('replicas', { isDefault: true })
    .description('list replicas, one a line (the default)')
    .argument('[name]', 'one RegistryReplication; default: all of the namespace')
    .action((name: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withCluster(options, (cluster) => printReplicas(cluster, session, name, options));
    });
}

async function printReplicas(
  cluster: Cluster,
  session: Session,
  name: string | undefined,
  { output, allNamespaces = false }: GlobalOptions,
): Promise<void> {
  const rows = (await objectsOf(cluster, name)).flatMap(replicaRows);
  const now = session.clock.now();
  printListing(session, output, {
    rows,
    columns: replicaColumns({ namespaces: allNamespaces, objects: name === undefined, now }),
    names: rows.flatMap(({ id }) => id ?? []),
    nothing: `No replicas found${cluster.scope === undefined ? '' : ` in namespace ${cluster.scope}`}.`,
  });
}
