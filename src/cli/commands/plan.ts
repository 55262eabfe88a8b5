// `kubectl georep plan [NAME]`: what the operator would still do, as a diff.
import type { Command } from 'commander';
import { inScope, objectsOf, withCluster } from '../cluster.ts';
import type { GlobalOptions } from '../options.ts';
import { printData, printLines, styled } from '../output.ts';
import { hasWork, type PlanView, planLines, planSummary, planView } from '../plan-view.ts';
import { resourceName } from '../resource-name.ts';
import { exitCode, type Session } from '../session.ts';

export function registerPlan(program: Command, session: Session): void {
  program
    .command('plan')
    .description('show what the operator would still do; exit code 2 if there is something')
    .argument('[name]', 'one RegistryReplication; default: all of the namespace')
    .action((name: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withCluster(options, async (cluster) => {
        const views = (await objectsOf(cluster, name)).map(planView);
        if (views.length === 0) session.stderr.write(`No RegistryReplications found${inScope(cluster)}.\n`);
        print(session, views, options);
        if (views.some(hasWork)) session.exitCode = exitCode.notYet;
      });
    });
}

function print(session: Session, views: readonly PlanView[], { output }: GlobalOptions): void {
  switch (output) {
    case 'json':
    case 'yaml':
      printData(session, output, views);
      break;
    case 'name':
      printLines(
        session,
        views.filter(hasWork).map(({ object }) => resourceName(object)),
      );
      break;
    case 'table':
    case 'wide': {
      if (views.length === 0) break;
      const lines = views.flatMap(planLines);
      printLines(
        session,
        lines.map(({ text, style }) => styled(session, style, text)),
      );
      printLines(session, ['', planSummary(views)]);
      break;
    }
    default:
      output satisfies never;
  }
}
