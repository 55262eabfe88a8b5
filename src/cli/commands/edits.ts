// The verbs that edit one object's spec: `add`, `remove`, `route`, `suspend` and `resume`.
import { Argument, type Command } from 'commander';
import { editObject } from '../edit.ts';
import { dryRunOption, editOptions } from '../options.ts';
import { checkRegions } from '../region-names.ts';
import type { Session } from '../session.ts';

const object = () => new Argument('<name>', 'the RegistryReplication');
const regions = () => new Argument('<region...>', 'Azure regions, as japaneast or "Japan East"');

const routings = { on: 'Enabled', off: 'Disabled', 'when-ready': 'WhenReady' } as const;

export function registerEdits(program: Command, session: Session): void {
  program
    .command('add')
    .description('list regions in the spec, so that the operator creates replicas there')
    .addArgument(object())
    .addArgument(regions())
    .addOption(dryRunOption())
    .option('--any-region', 'also accept a region that is not known to exist')
    .action((name: string, locations: string[], _: object, command: Command) => {
      const options = editOptions(command);
      return editObject(session, options, name, { kind: 'add', locations }, (target) => {
        if (!options.anyRegion) checkRegions(target, locations);
      });
    });
  program
    .command('remove')
    .description('drop regions from the spec; with prune: Delete their replicas are deleted')
    .addArgument(object())
    .addArgument(regions())
    .addOption(dryRunOption())
    .action((name: string, locations: string[], _: object, command: Command) =>
      editObject(session, editOptions(command), name, { kind: 'remove', locations }),
    );
  program
    .command('route')
    .description("choose whether the registry's global endpoint sends clients to a region")
    .addArgument(object())
    .argument('<region>', 'a region that the object lists')
    .addArgument(new Argument('<routing>', 'on, off, or on once the content is there').choices(Object.keys(routings)))
    .addOption(dryRunOption())
    .action((name: string, location: string, word: keyof typeof routings, _: object, command: Command) =>
      editObject(session, editOptions(command), name, { kind: 'route', location, routing: routings[word] }),
    );
  for (const [verb, suspend, description] of [
    ['suspend', true, 'let the operator take no action for an object'],
    ['resume', false, 'end the suspension of an object'],
  ] as const)
    program
      .command(verb)
      .description(description)
      .addArgument(object())
      .addOption(dryRunOption())
      .action((name: string, _: object, command: Command) =>
        editObject(session, editOptions(command), name, { kind: 'suspend', suspend }),
      );
}
