// `kubectl georep history NAME`: the events and times of one object as a timeline.
import type { EventsV1Event } from '@kubernetes/client-node';
import type { Command } from 'commander';
import type { RegistryReplication } from '../../api/registryreplication.ts';
import { explain, isForbidden } from '../../kubernetes/client/errors.ts';
import { type Cluster, objectOf, withCluster } from '../cluster.ts';
import type { GlobalOptions } from '../options.ts';
import { type Column, printListing } from '../output.ts';
import { resourceName } from '../resource-name.ts';
import type { Session } from '../session.ts';
import { type TimelineEntry, timeline } from '../timeline.ts';

const columns: readonly Column<TimelineEntry>[] = [
  { heading: 'TIME', cell: ({ time }) => time },
  { heading: 'REGION', cell: ({ location }) => location ?? '-' },
  { heading: 'EVENT', cell: ({ reason }) => reason, style: ({ type }) => (type === 'Warning' ? 'yellow' : undefined) },
  { heading: 'TOOK', cell: ({ took }) => took ?? '-' },
  { heading: 'COUNT', cell: ({ count = 1 }) => String(count), wide: true },
  { heading: 'LAST', cell: ({ lastTime, time }) => lastTime ?? time, wide: true },
  { heading: 'MESSAGE', cell: ({ message }) => message },
];

export function registerHistory(program: Command, session: Session): void {
  program
    .command('history')
    .description('show the events of an object as a timeline, with durations')
    .argument('<name>', 'the RegistryReplication')
    .action((name: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withCluster(options, async (cluster) => {
        const object = await objectOf(cluster, name);
        const rows = timeline(object, await eventsOf(cluster, session, object), session.clock.now());
        const names = [resourceName(name)];
        printListing(session, options.output, { rows, columns, names, nothing: `No events of ${name} found.` });
      });
    });
}

/** A user who may not list events still gets the times in the status. */
async function eventsOf(cluster: Cluster, session: Session, object: RegistryReplication): Promise<EventsV1Event[]> {
  try {
    return await cluster.events(object);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    session.stderr.write(`warning: without events: ${explain(error)}\n`);
    return [];
  }
}
