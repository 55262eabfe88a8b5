// Runs the ARM emulator in a process of its own for benchmarks, so that its work does not delay the benchmark's. It reports
// each PUT to its parent, and all requests or their totals when asked.
import type { RegistryReference } from '../../src/azure/arm.ts';
import type { Azure } from '../emulators/arm/azure.ts';
import { startArmEmulator } from '../emulators/arm/emulator.ts';
import type { Journal } from '../emulators/arm/journal.ts';
import { instant, type Timings } from '../emulators/arm/timings.ts';

export interface ArmOptions {
  /** The number of registries that exist, by `registryAt`. */
  readonly registries: number;
  /** The locations at which each registry has a replica already. */
  readonly replicas?: readonly string[];
  /** Default: replicas are Ready at the next read, so that the operator is measured and not Azure. */
  readonly timings?: Timings;
  /** Each registry's content, which a new replica synchronizes. */
  readonly contentBytes?: number;
  /** The registries are spread over so many. Default: so many that ARM's rate limit for one is never reached. */
  readonly subscriptions?: number;
  /** Of the drawn durations: the same one gives the same durations in the same order. */
  readonly seed?: number;
  /** ARM's rate limit is enforced: a 429 has so many s in its Retry-After. Default: it only counts. */
  readonly retryAfterOf429?: number;
}

/** A request to a registry or its replicas. */
export interface RecordedRequest {
  readonly registry: string;
  /** Undefined: the registry itself, or the list of its replicas. */
  readonly replica: string | undefined;
  readonly method: string;
  /** `registry`, `replicas`, `replica` and so on. */
  readonly endpoint: string | undefined;
  /** process.hrtime in ns, as decimal digits. */
  readonly arrival: string;
  /** The same, in ms since the epoch. */
  readonly at: number;
  readonly status: number;
}

/** A replica as it is, whatever the operator has seen of it. Times in ms since the epoch. */
export interface TrueReplica {
  readonly registry: string;
  readonly location: string;
  readonly home: boolean;
  readonly createdAt: number;
  /** `Creating`, `Syncing`, `Ready`, and so on. */
  readonly stage: string;
  readonly since: number;
}

/** Of registry number `registry`. */
export interface ReplicaAt {
  readonly registry: number;
  readonly location: string;
}

/** All requests since the start, but those for a token. */
export interface Totals {
  readonly reads: number;
  readonly writes: number;
}

/** A message to the parent. */
export type Report =
  | { readonly kind: 'ready'; readonly environment: Readonly<Record<string, string>>; readonly certificate: string }
  | { readonly kind: 'put'; readonly registry: string; readonly arrival: string }
  | { readonly kind: 'requests'; readonly requests: readonly RecordedRequest[] }
  | { readonly kind: 'replicas'; readonly replicas: readonly TrueReplica[] }
  | { readonly kind: 'totals'; readonly totals: Totals };

/** A message from the parent. */
export type Command =
  | 'requests'
  | 'totals'
  | 'replicas'
  /** The next creation of this replica fails. */
  | { readonly failCreation: ReplicaAt }
  /** Another client deletes the replica, and it is gone at once. */
  | { readonly remove: ReplicaAt };

/** ARM's rate limit is per subscription, and most scenarios do not measure it: with this many it is never reached. */
const manySubscriptions = 250;

/** The registries that exist: `bench00000` and so on. */
export function registryAt(index: number, subscriptions = manySubscriptions): RegistryReference {
  const name = `bench${String(index).padStart(5, '0')}`;
  const subscription = String(index % subscriptions).padStart(12, '0');
  return { subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'bench', name };
}

if (import.meta.main) await run(JSON.parse(process.argv[2] ?? '{}'));

async function run(options: ArmOptions): Promise<never> {
  const { registries, replicas = [], timings = instant, contentBytes, subscriptions, seed, retryAfterOf429 } = options;
  const arm = await startArmEmulator({
    timings,
    ...(seed !== undefined && { seed }),
    ...(retryAfterOf429 !== undefined && { quota: { enforced: retryAfterOf429 } }),
  });
  const reference = (index: number) => registryAt(index, subscriptions);
  for (let index = 0; index < registries; index++) {
    arm.azure.addRegistry(reference(index), { location: 'eastus', ...(contentBytes && { contentBytes }) });
    for (const location of replicas) arm.azure.addReplica(reference(index), location);
  }
  const totals = { reads: 0, writes: 0 };
  sendReport({ kind: 'ready', environment: arm.environment, certificate: arm.certificate });
  process.on('message', (command: Command) => {
    if (command === 'requests') sendReport({ kind: 'requests', requests: recorded(arm.journal) });
    else if (command === 'totals') sendReport({ kind: 'totals', totals });
    else if (command === 'replicas') sendReport({ kind: 'replicas', replicas: trueReplicas(arm.azure) });
    else if ('failCreation' in command) {
      const { registry, location } = command.failCreation;
      arm.azure.failCreations(reference(registry), location);
    } else arm.azure.removeReplica(reference(command.remove.registry), command.remove.location);
  });
  process.on('disconnect', () => process.exit(0));
  for (;;) {
    const { registry, method, endpoint, arrival } = await arm.journal.next();
    if (endpoint === 'token') continue;
    if (method === 'GET') totals.reads++;
    else totals.writes++;
    // The response goes out first: the report is not part of the measured time.
    if (registry !== undefined && method === 'PUT')
      setImmediate(() => sendReport({ kind: 'put', registry, arrival: String(arrival) }));
  }
}

function recorded(journal: Journal): RecordedRequest[] {
  return journal.entries.flatMap(({ registry, replica, method, endpoint, arrival, at, status }) =>
    registry === undefined
      ? []
      : [{ registry, replica, method, endpoint, arrival: String(arrival), at: at.getTime(), status }],
  );
}

function trueReplicas(azure: Azure): TrueReplica[] {
  return azure.references().flatMap((reference) =>
    azure.replicas(reference).map(({ location, home, stage, systemData: { createdAt } }) => {
      return { registry: reference.name, location, home, createdAt, stage: stage.kind, since: stage.since };
    }),
  );
}

function sendReport(report: Report): void {
  process.send?.(report);
}
