// The ARM emulator as a program: parses flags, prints usage hints, and ends cleanly on a signal.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { RegistryReference } from '../../../src/azure/arm.ts';
import type { RegistrySettings } from './azure.ts';
import { type ArmEmulator, startArmEmulator } from './emulator.ts';
import { fast, instant, realistic, type Span, type Timings } from './timings.ts';

const presets = { realistic, fast, instant };

interface Seed {
  readonly reference: RegistryReference;
  readonly settings: RegistrySettings;
}

interface Flags {
  readonly port: number;
  readonly timings: keyof typeof presets;
  readonly create?: Span;
  readonly remove?: Span;
  readonly homeEntry?: Span;
  readonly syncRate?: number;
  readonly contentSize: number;
  readonly registry: readonly Seed[];
  readonly pageSize: number;
  readonly seed: number;
  readonly tokenLifetime: number;
  readonly certificate: string;
}

const sample = '00000000-0000-0000-0000-000000000000/myresourcegroup/myACR0007@eastus';

const program = new Command('emulator:arm')
  .description('An Azure Resource Manager for container registries and their replicas, on https://127.0.0.1.')
  .option('--port <number>', 'port; 0 takes any free one', parseInteger, 0)
  .addOption(
    new Option('--timings <preset>', 'how long things take').choices(Object.keys(presets)).default('realistic'),
  )
  .option('--create <seconds>', 'time that a creation takes, as "8-19" or "10"', parseSpan)
  .option('--remove <seconds>', 'time that a deletion takes', parseSpan)
  .option('--home-entry <seconds>', "from the first creation to the home region's entry", parseSpan)
  .option(
    '--sync-rate <bytes>',
    'bytes per second at which a new replica takes over the content, as "100M"',
    parseBytes,
  )
  .option('--content-size <bytes>', 'content of the registries, as "2G": more of it, longer Syncing', parseBytes, 0)
  .option(
    '--registry <registry>',
    `a registry to begin with, as SUBSCRIPTION/GROUP/NAME@HOME[:SKU]; may be repeated (default: ${sample})`,
    collectRegistries,
    [],
  )
  .option('--page-size <number>', 'replicas in one page of LIST', parseInteger, 100)
  .option('--seed <number>', 'of the times that are drawn', parseInteger, 1)
  .option('--token-lifetime <seconds>', 'how long access tokens last', parseInteger, 3599)
  .option('--certificate <file>', 'where to write the certificate to trust', join(tmpdir(), 'arm-emulator.pem'));

const flags = program.parse().opts<Flags>();

// npm runs scripts in the project's directory; paths are relative to the user's.
const certificate = resolve(process.env.INIT_CWD ?? '.', flags.certificate);
const registries = flags.registry.length > 0 ? flags.registry : collectRegistries(sample, []);
const emulator = await start().catch((error: unknown) => program.error(`error: ${errorMessage(error)}`));

const variables = { NODE_EXTRA_CA_CERTS: certificate, ...emulator.environment };
console.log(`The ARM emulator listens on ${emulator.url}`);
for (const { reference, settings } of registries) {
  const { subscriptionId, resourceGroup, name } = reference;
  console.log(`  registry ${name} (${settings.sku}, home ${settings.location}) in ${subscriptionId}/${resourceGroup}`);
}
console.log('\nA client needs these variables:\n');
for (const [name, value] of Object.entries(variables)) console.log(`export ${name}='${value}'`);
console.log(`\nWhat can go wrong, and how to make it: curl --cacert ${certificate} ${emulator.url}/emulator`);
console.log('\nCtrl-C ends it.');

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await emulator.close();

async function start(): Promise<ArmEmulator> {
  const started = await startArmEmulator({
    port: flags.port,
    timings: timingsOf(flags),
    seed: flags.seed,
    pageSize: flags.pageSize,
    tokenLifetime: flags.tokenLifetime,
    registryDefaults: { contentBytes: flags.contentSize },
  });
  for (const { reference, settings } of registries) started.azure.addRegistry(reference, settings);
  await writeFile(certificate, started.certificate);
  return started;
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function timingsOf({ timings, create, remove, homeEntry, syncRate }: Flags): Timings {
  return {
    ...presets[timings],
    ...(create && { create }),
    ...(remove && { remove }),
    ...(homeEntry && { homeEntry }),
    ...(syncRate && { sync: syncRate }),
  };
}

function parseInteger(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function parseSpan(text: string): Span {
  const { least, most = least } = /^(?<least>\d+(?:\.\d+)?)(?:-(?<most>\d+(?:\.\d+)?))?$/.exec(text)?.groups ?? {};
  if (least === undefined || Number(most) < Number(least)) {
    throw new InvalidArgumentError('It must be seconds, as "10", or a range of them, as "8-19".');
  }
  return { least: Number(least) * 1000, most: Number(most) * 1000 };
}

function parseBytes(text: string): number {
  const { number, unit = '' } = /^(?<number>\d+(?:\.\d+)?)(?<unit>[kMGT])?B?$/.exec(text)?.groups ?? {};
  if (number === undefined) throw new InvalidArgumentError('It must be bytes, as "500M" or "2G".');
  return Number(number) * 1000 ** ' kMGT'.indexOf(unit || ' ');
}

function collectRegistries(text: string, before: readonly Seed[]): Seed[] {
  const pattern =
    /^(?<subscriptionId>[^/]+)\/(?<resourceGroup>[^/]+)\/(?<name>[a-zA-Z0-9]{5,50})@(?<location>[^:]+)(?::(?<sku>\w+))?$/;
  const { subscriptionId, resourceGroup, name, location, sku = 'Premium' } = pattern.exec(text)?.groups ?? {};
  if (!subscriptionId || !resourceGroup || !name || !location) {
    throw new InvalidArgumentError(`It must be SUBSCRIPTION/GROUP/NAME@HOME[:SKU], as ${sample}.`);
  }
  return [...before, { reference: { subscriptionId, resourceGroup, name }, settings: { location, sku } }];
}
