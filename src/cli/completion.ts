// Completes command lines for kubectl, which runs `kubectl_complete-georep` with the words after the plugin's name, the last of them
// being the one to complete, and takes what Cobra prints: a candidate a line, its description after a tab, and a directive.
import { KubeConfig, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';
import type { Command, Option } from 'commander';
import { listedRegions, type RegistryReplication } from '../api/registryreplication.ts';
import { azureRegion, azureRegions } from '../azure/regions.ts';
import { normalise } from '../replication/location.ts';
import { type Cluster, type ClusterOptions, withCluster } from './cluster.ts';
import { oneLine } from './safe-text.ts';
import type { Session } from './session.ts';

interface Candidate {
  readonly word: string;
  readonly description?: string;
}

/** Cobra's ShellCompDirectiveNoFileComp: the shell offers no file names instead. */
const noFiles = ':4';
/** A user who has pressed Tab waits no longer. */
const timeoutMs = 3_000;

/** Never fails: without an answer of the cluster there are no candidates. */
export async function complete(words: readonly string[], program: Command, session: Session): Promise<void> {
  const line = parseLine(words, program);
  const candidates = await candidatesFor(line, program).catch((): Candidate[] => []);
  const fitting = candidates.filter(({ word }) => word.startsWith(line.current));
  const lines = fitting.map(({ word, description }) =>
    [`${line.prefix}${word}`, ...(description ? [description] : [])].map(oneLine),
  );
  session.stdout.write([...lines.map((columns) => columns.join('\t')), noFiles, ''].join('\n'));
}

interface Line {
  /** The word to complete; of `--flag=va` the value. */
  readonly current: string;
  /** What stands before the candidate in the word: `--flag=`. */
  readonly prefix: string;
  /** Undefined: the first operand is not there yet, or the default verb's. */
  readonly verb: Command | undefined;
  /** Without the verb. */
  readonly operands: readonly string[];
  /** The flag whose value is to be completed. */
  readonly option: Option | undefined;
  readonly flags: ReadonlyMap<string, string>;
}

function parseLine(words: readonly string[], program: Command): Line {
  const current = words.at(-1) ?? '';
  const operands: string[] = [];
  const flags = new Map<string, string>();
  let verb: Command | undefined;
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    const [name = '', value] = word.split(/=(.*)/s);
    const option = word.startsWith('-') && !pending ? optionOf(name, program, verb) : undefined;
    const named = verb || operands.length > 0 ? undefined : program.commands.find((one) => one.name() === word);
    if (pending) flags.set(pending.attributeName(), word);
    else if (option) flags.set(option.attributeName(), value ?? 'true');
    else if (named) verb = named;
    else if (!word.startsWith('-')) operands.push(word);
    pending = option?.isBoolean() || value !== undefined ? undefined : option;
  }
  const [name = '', value] = current.split(/=(.*)/s);
  const withValue = current.startsWith('--') && value !== undefined ? optionOf(name, program, verb) : undefined;
  return {
    current: withValue ? (value ?? '') : current,
    prefix: withValue ? `${name}=` : '',
    verb,
    operands,
    option: pending ?? withValue,
    flags,
  };
}

function optionOf(name: string, program: Command, verb: Command | undefined): Option | undefined {
  return [...program.options, ...(verb?.options ?? [])].find((option) => option.short === name || option.long === name);
}

async function candidatesFor(line: Line, program: Command): Promise<Candidate[]> {
  const { current, verb, operands, option } = line;
  if (option) return valuesOf(option, line);
  if (current.startsWith('-')) return flagsOf(program, verb);
  if (!verb) return operands.length > 0 ? [] : [...verbsOf(program), ...(await objectNames(line))];
  const args = verb.registeredArguments;
  const argument = args[operands.length] ?? (args.at(-1)?.variadic ? args.at(-1) : undefined);
  if (argument?.argChoices) return argument.argChoices.map((word) => ({ word }));
  if (argument?.name() === 'name') return objectNames(line);
  if (argument?.name() === 'region') return regionNames(verb, line);
  return [];
}

function verbsOf(program: Command): Candidate[] {
  return program.commands.map((verb) => ({ word: verb.name(), description: verb.description() }));
}

function flagsOf(program: Command, verb: Command | undefined): Candidate[] {
  return [...(verb?.options ?? []), ...program.options].flatMap(({ long, description, hidden }) =>
    long && !hidden ? { word: long, description } : [],
  );
}

async function valuesOf(option: Option, line: Line): Promise<Candidate[]> {
  const words = option.argChoices ?? (await namesFor(option.attributeName(), line));
  return words.map((word) => ({ word }));
}

async function namesFor(flag: string, line: Line): Promise<readonly string[]> {
  if (flag === 'namespace')
    return inCluster(line, async ({ client }) => {
      const { items } = await client.getJson<KubernetesListObject<KubernetesObject>>('/api/v1/namespaces');
      return items.flatMap(({ metadata }) => metadata?.name ?? []);
    });
  if (flag !== 'context') return [];
  const config = new KubeConfig();
  const file = line.flags.get('kubeconfig');
  if (file === undefined) config.loadFromDefault(undefined, true);
  else config.loadFromFile(file);
  return config.getContexts().map(({ name }) => name);
}

function objectNames(line: Line): Promise<Candidate[]> {
  return inCluster(line, async (cluster) =>
    (await cluster.list()).map(({ metadata, spec }) => ({
      word: metadata.name,
      description: `registry ${spec.registry.name}`,
    })),
  );
}

/** `add` takes regions that the object does not list, the other verbs those that it lists. */
async function regionNames(verb: Command, line: Line): Promise<Candidate[]> {
  const [name = '', ...given] = line.operands;
  const listed = await inCluster(line, async (cluster) => regionsOf(await cluster.get(name))).catch(() => undefined);
  const others = azureRegions.map((region) => region.name).filter((region) => !listed?.includes(region));
  const names = verb.name() === 'add' ? others : (listed ?? []);
  return names
    .filter((region) => !given.map(normalise).includes(region))
    .map((region) => ({ word: region, description: azureRegion(region).displayName }));
}

function regionsOf({ spec }: RegistryReplication): string[] {
  return listedRegions(spec).map(({ location }) => normalise(location));
}

function inCluster<T>({ flags }: Line, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  return withCluster({ ...(Object.fromEntries(flags) as ClusterOptions), timeoutMs }, use);
}
