// Runs the ARM emulator in a process of its own for benchmarks, so that its work does not delay the benchmark's. It reports
// each PUT to its parent, and all requests when asked.
import { startArmEmulator } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';

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

/** A message to the parent. */
export type Report =
  | { readonly kind: 'ready'; readonly environment: Readonly<Record<string, string>>; readonly certificate: string }
  | { readonly kind: 'put'; readonly registry: string; readonly arrival: string }
  | { readonly kind: 'requests'; readonly requests: readonly RecordedRequest[] };

/** A message from the parent; `latency`: every response takes this many ms from now on. */
export type Command = 'requests' | { readonly latency: number };

/** ARM's rate limit is per subscription, and not measured here: with this many it is never reached. */
const subscriptions = 250;

/** The registries that exist: `bench00000` and so on. */
export function registryAt(index: number): { subscriptionId: string; resourceGroup: string; name: string } {
  const name = `bench${String(index).padStart(5, '0')}`;
  const subscription = String(index % subscriptions).padStart(12, '0');
  return { subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'bench', name };
}

if (import.meta.main) {
  const [, , registries, ...replicas] = process.argv;
  // Replicas are Ready at the next read: the benchmarks measure the operator, not Azure.
  const arm = await startArmEmulator({ timings: instant });
  for (let index = 0; index < Number(registries); index++) {
    arm.azure.addRegistry(registryAt(index), { location: 'eastus' });
    for (const location of replicas) arm.azure.addReplica(registryAt(index), location);
  }
  sendReport({ kind: 'ready', environment: arm.environment, certificate: arm.certificate });
  process.on('message', (question: Command) => {
    if (question === 'requests') sendReport({ kind: 'requests', requests: requests() });
    else arm.azure.faults.set('latency', { kind: 'latency', ms: question.latency });
  });
  process.on('disconnect', () => process.exit(0));
  for (;;) {
    const { registry = '', arrival } = await arm.journal.next(({ method }) => method === 'PUT');
    // The response goes out first: the report is not part of the measured time.
    setImmediate(() => sendReport({ kind: 'put', registry, arrival: String(arrival) }));
  }

  function requests(): RecordedRequest[] {
    return arm.journal.entries.flatMap(({ registry, replica, method, path, arrival, status }) =>
      registry === undefined ? [] : [{ registry, replica, method, path, arrival: String(arrival), status }],
    );
  }

  function sendReport(report: Report): void {
    process.send?.(report);
  }
}
