// The ARM emulator as a process of its own, for the bench: its work must not wait for the bench's, nor the bench's for it.
// It tells its parent of each PUT that has arrived, and of all requests when asked.
import { startArmEmulator } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';

/** One request to a registry or its replicas. */
export interface Seen {
  readonly registry: string;
  /** Undefined: the registry itself, or the list of its replicas. */
  readonly replica: string | undefined;
  readonly method: string;
  readonly path: string;
  /** ns by process.hrtime, in digits. */
  readonly arrival: string;
  readonly status: number;
}

/** What the parent is told. */
export type Report =
  | { readonly kind: 'ready'; readonly environment: Readonly<Record<string, string>>; readonly certificate: string }
  | { readonly kind: 'put'; readonly registry: string; readonly arrival: string }
  | { readonly kind: 'requests'; readonly requests: readonly Seen[] };

/** What the parent may ask; `latency`: that every answer from now on takes so many ms. */
export type Question = 'requests' | { readonly latency: number };

/** ARM's budget is each subscription's own, and no part of these benches: so many that it never runs out. */
const subscriptions = 250;

/** The registries that are there: `bench00000` and so on. */
export function registryAt(index: number): { subscriptionId: string; resourceGroup: string; name: string } {
  const name = `bench${String(index).padStart(5, '0')}`;
  const subscription = String(index % subscriptions).padStart(12, '0');
  return { subscriptionId: `00000000-0000-0000-0000-${subscription}`, resourceGroup: 'bench', name };
}

if (import.meta.main) {
  const [, , registries, ...replicas] = process.argv;
  // Replicas are Ready by the operator's next look: the bench measures the operator, not Azure.
  const arm = await startArmEmulator({ timings: instant });
  for (let index = 0; index < Number(registries); index++) {
    arm.azure.addRegistry(registryAt(index), { location: 'eastus' });
    for (const location of replicas) arm.azure.addReplica(registryAt(index), location);
  }
  tell({ kind: 'ready', environment: arm.environment, certificate: arm.certificate });
  process.on('message', (question: Question) => {
    if (question === 'requests') tell({ kind: 'requests', requests: requests() });
    else arm.azure.faults.set('latency', { kind: 'latency', ms: question.latency });
  });
  process.on('disconnect', () => process.exit(0));
  for (;;) {
    const { registry = '', arrival } = await arm.journal.next(({ method }) => method === 'PUT');
    // The answer goes out first: telling of it is no part of what is measured.
    setImmediate(() => tell({ kind: 'put', registry, arrival: String(arrival) }));
  }

  function requests(): Seen[] {
    return arm.journal.entries.flatMap(({ registry, replica, method, path, arrival, status }) =>
      registry === undefined ? [] : [{ registry, replica, method, path, arrival: String(arrival), status }],
    );
  }

  function tell(report: Report): void {
    process.send?.(report);
  }
}
