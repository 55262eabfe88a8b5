// `kubectl georep image`: asks the endpoint of each region whether an image can be pulled there yet.
import type { Command } from 'commander';
import type { RegistryReplication } from '../../api/registryreplication.ts';
import { createManifestReader } from '../../azure/manifest-reader.ts';
import { isoSeconds } from '../../lib/clock.ts';
import { humanDuration } from '../../lib/human-duration.ts';
import { withAzure } from '../azure.ts';
import { type Cluster, inScope, objectOf, withCluster } from '../cluster.ts';
import { askOnce, askUntilEverywhere } from '../image/ask.ts';
import { formatImage, type ImageName, parseImage } from '../image/image-name.ts';
import {
  type Availability,
  availabilityOf,
  digestOf,
  messageOf,
  presence,
  type RegionAnswer,
} from '../image/region-answers.ts';
import { type GlobalOptions, timeoutOption } from '../options.ts';
import { type Column, type OutputFormat, printListing } from '../output.ts';
import { CliError, type ExitCode, exitCode, type Session } from '../session.ts';

interface ImageOptions extends GlobalOptions {
  readonly wait?: boolean;
  /** In ms. */
  readonly timeout: number;
}

export function registerImage(program: Command, session: Session): void {
  program
    .command('image')
    .description('show whether an image can be pulled in every region yet; your own Azure credential asks')
    .argument('<image>', 'REPOSITORY:TAG or REPOSITORY@DIGEST, also with the login server')
    .argument('[name]', 'the RegistryReplication; default: that of the login server, or the only one')
    .option('--wait', 'until every region has the same digest')
    .addOption(timeoutOption('10m'))
    .action((text: string, name: string | undefined, _: object, command: Command) =>
      printImage(session, command.optsWithGlobals<ImageOptions>(), text, name),
    );
}

async function printImage(
  session: Session,
  options: ImageOptions,
  text: string,
  name: string | undefined,
): Promise<void> {
  const image = parseImage(text);
  if (!image)
    throw new CliError(
      'the image must be REPOSITORY:TAG or REPOSITORY@DIGEST, such as team/web:1.2, with a tag or digest',
    );
  await withCluster(options, async (cluster) => {
    const readAgain = () => objectFor(cluster, image, name);
    const object = await readAgain();
    const regions = await withAzure(async ({ cloud, credential, inventory }) => {
      const reader = createManifestReader(credential, cloud);
      const question = { object, image, inventory, reader };
      try {
        if (!options.wait) return await askOnce(question, session);
        return await askUntilEverywhere(question, session, { timeoutMs: options.timeout, readAgain });
      } finally {
        reader.close();
      }
    });
    printRegions(session, options.output, { object, image, regions });
    session.exitCode = exitCodes[availabilityOf(regions)];
  });
}

const exitCodes: Readonly<Record<Availability, ExitCode>> = {
  everywhere: exitCode.ok,
  notYet: exitCode.notYet,
  denied: exitCode.error,
};

/** @throws CliError unless exactly one object can be meant. */
async function objectFor(cluster: Cluster, image: ImageName, name: string | undefined): Promise<RegistryReplication> {
  const { loginServer } = image;
  if (name !== undefined) return named(await objectOf(cluster, name), loginServer);
  const all = await cluster.list();
  const fitting = all.filter((object) => loginServer === undefined || isOf(object, loginServer));
  const [only, ...others] = fitting;
  if (only && others.length === 0) return only;
  const which = loginServer === undefined ? '' : ` for ${loginServer}`;
  const where = inScope(cluster);
  if (!only) throw new CliError(`there is no RegistryReplication${which}${where}`);
  const names = fitting.map(({ metadata }) => metadata.name).sort();
  throw new CliError(`name one of the ${names.length} RegistryReplications${which}${where}: ${names.join(', ')}`);
}

/** @throws CliError if the image is of another registry: the answer would be about an image of the same name. */
function named(object: RegistryReplication, loginServer: string | undefined): RegistryReplication {
  const own = object.status?.registry?.loginServer?.toLowerCase();
  if (loginServer === undefined || own === undefined || own === loginServer) return object;
  throw new CliError(`${object.metadata.name} is for ${own}, and the image is of ${loginServer}`);
}

function isOf({ spec, status }: RegistryReplication, loginServer: string): boolean {
  const own = status?.registry?.loginServer?.toLowerCase();
  return own === undefined ? loginServer.startsWith(`${spec.registry.name.toLowerCase()}.`) : own === loginServer;
}

const styles = { Yes: 'green', No: 'yellow', Unknown: 'red' } as const;

interface ImageReport {
  readonly object: RegistryReplication;
  readonly image: ImageName;
  readonly regions: readonly RegionAnswer[];
}

function printRegions(session: Session, format: OutputFormat, { object, image, regions }: ImageReport): void {
  const now = session.clock.now();
  const { subscriptionId, resourceGroup, name } = object.spec.registry;
  const columns: Column<RegionAnswer>[] = [
    { heading: 'REGION', cell: ({ location }) => location },
    { heading: 'PRESENT', cell: presence, style: (row) => styles[presence(row)] },
    { heading: 'DIGEST', cell: (row) => (format === 'wide' ? digestOf(row) : digestOf(row)?.slice(0, 19)) },
    { heading: 'ASKED', cell: ({ askedSince }) => humanDuration(now.getTime() - askedSince.getTime()) },
    { heading: 'MESSAGE', cell: (row) => messageOf(row, regions) },
    { heading: 'ENDPOINT', cell: ({ endpoint }) => endpoint, wide: true },
  ];
  printListing(session, format, {
    rows: regions,
    columns,
    data: {
      image: formatImage(image),
      registry: { subscriptionId, resourceGroup, name },
      everywhere: availabilityOf(regions) === 'everywhere',
      regions: regions.map((region) => asData(region, regions)),
    },
    names: regions.flatMap((region) => {
      const digest = digestOf(region);
      return digest === undefined ? [] : `${region.endpoint}/${image.repository}@${digest}`;
    }),
    nothing: 'The object wants no region yet: it lists none, and no source names one.',
  });
}

function asData(region: RegionAnswer, all: readonly RegionAnswer[]): object {
  const { location, endpoint, askedSince, presentSince } = region;
  const digest = digestOf(region);
  const message = messageOf(region, all);
  return {
    location,
    ...(endpoint !== undefined && { endpoint }),
    present: { Yes: true, No: false, Unknown: null }[presence(region)],
    ...(digest !== undefined && { digest }),
    askedSince: isoSeconds(askedSince),
    ...(presentSince && { presentSince: isoSeconds(presentSince) }),
    ...(message !== '' && { message }),
  };
}
