// Runs the ARM emulator in a process of its own for benchmarks, so that its work does not delay the benchmark's. It reports
// each PUT to its parent, and all requests or their totals when asked.
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
}

/** A request to a registry or its replicas. */
export interface RecordedRequest {
  readonly registry: string;
  /** Undefined: the registry itself, or the list of its replicas. */
  readonly replica: string | undefined;
  readonly method: string;
  readonly path: string;
  /** process.hrtime in ns, as decimal digits. */
  readonly arrival: string;
  readonly status: number;
}

/** All requests since the start. */
export interface Totals {
  readonly reads: number;
  readonly writes: number;
  /** Requests for a token. */
  readonly tokens: number;
}

/** A message to the parent. */
export type Report =
  | { readonly kind: 'ready'; readonly environment: Readonly<Record<string, string>>; readonly certificate: string }
  | { readonly kind: 'put'; readonly registry: string; readonly arrival: string }
  | { readonly kind: 'requests'; readonly requests: readonly RecordedRequest[] }
  | { readonly kind: 'totals'; readonly totals: Totals };

/** A message from the parent; `latency`: every response takes this many ms from now on. */
export type Command = 'requests' | 'totals' | { readonly latency: number };

/** ARM's rate limit is per subscription, and not measured here: with this many it is never reached. */
const subscriptions = 250;

/** The registries that exist: `bench00000` and so on. */
export function registryAt(index: number): { subscriptionId: string; resourceGroup: string; name: string } {
  const name = `bench${String(index).padStart(5, '0')}`;
  const subscription = String(index % subscriptions).padStart(12, '0');
  return { subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'bench', name };
}

if (import.meta.main) await run(JSON.parse(process.argv[2] ?? '{}'));

async function run({ registries, replicas = [], timings = instant, contentBytes }: ArmOptions): Promise<never> {
  const arm = await startArmEmulator({ timings });
  for (let index = 0; index < registries; index++) {
    arm.azure.addRegistry(registryAt(index), { location: 'eastus', ...(contentBytes && { contentBytes }) });
    for (const location of replicas) arm.azure.addReplica(registryAt(index), location);
  }
  const totals = { reads: 0, writes: 0, tokens: 0 };
  sendReport({ kind: 'ready', environment: arm.environment, certificate: arm.certificate });
  process.on('message', (command: Command) => {
    if (command === 'requests') sendReport({ kind: 'requests', requests: recorded(arm.journal) });
    else if (command === 'totals') sendReport({ kind: 'totals', totals });
    else arm.azure.faults.set('latency', { kind: 'latency', ms: command.latency });
  });
  process.on('disconnect', () => process.exit(0));
  for (;;) {
    const { registry, method, endpoint, arrival } = await arm.journal.next();
    if (endpoint === 'token') totals.tokens++;
    else if (method === 'GET') totals.reads++;
    else totals.writes++;
    // The response goes out first: the report is not part of the measured time.
    if (registry !== undefined && method === 'PUT')
      setImmediate(() => sendReport({ kind: 'put', registry, arrival: String(arrival) }));
  }
}

function recorded(journal: Journal): RecordedRequest[] {
  return journal.entries.flatMap(({ registry, replica, method, path, arrival, status }) =>
    registry === undefined ? [] : [{ registry, replica, method, path, arrival: String(arrival), status }],
  );
}

function sendReport(report: Report): void {
  process.send?.(report);
}
