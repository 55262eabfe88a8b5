// One test environment with a running operator, shared by a file of end-to-end tests: kubectl for users, Azure for other clients,
// and waits. Nothing sleeps: objects are watched with kubectl, and every wait ends at a hang (hang-limit.ts).
import { createInterface } from 'node:readline';
import { annotation, type RegionSpec, type RegistryReplication, type Spec } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { RegistrySettings } from '../emulators/arm/azure.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import type { Timings } from '../emulators/arm/timings.ts';
import { startKubectl } from '../emulators/kubectl.ts';
import { hangLimitMs } from '../hang-limit.ts';
import type { Identity } from '../identity-mode.ts';
import type { Operator } from '../operator.ts';
import { startTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from '../test-environment.ts';
import { isReady } from './expectations.ts';
import { watchObjects } from './object-history.ts';

export interface ScenarioOptions
  extends Pick<TestEnvironmentOptions, 'crds' | 'deployment' | 'forbiddenNamespaces' | 'identity'> {
  readonly timings: Timings;
  /** Azure's clock; default: the system's. */
  readonly clock?: Clock;
  /** Flags of the operator. */
  readonly args?: readonly string[];
  /** Added to the operator's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before the operator starts; its result is added to the operator's environment too. */
  readonly prepare?: (environment: TestEnvironment) => Promise<Readonly<Record<string, string>>>;
}

export interface Scenario extends TestEnvironment {
  /** The operator that runs now, or ran last. */
  readonly operator: Operator;
  /** Kills the operator with SIGKILL, if it still runs, and starts another. */
  restartOperator(): Promise<void>;
  /** Adds a registry to Azure; its home region is eastus by default. */
  addRegistry(name: string, settings?: RegistrySettings): RegistryReference;
  /** `kubectl apply` of an object `name` for the registry of that name. */
  apply(name: string, spec: ShortSpec, namespace?: string): Promise<void>;
  /** `kubectl patch --type=merge`. */
  patch(name: string, patch: object): Promise<void>;
  /**
   * Requests a pass; resolves to the value of status.lastHandledReconcileAt after that pass. Not for objects that may be gone
   * by then.
   */
  requestReconcile(name: string): Promise<string>;
  /** The object after a pass that is requested now. */
  reconcileNow(name: string): Promise<RegistryReplication>;
  /** Finishes Azure's work in these regions; resolves to the object after the next pass. */
  finishProvisioning(name: string, ...locations: string[]): Promise<RegistryReplication>;
  /** The first version of the object, from its last write on, that matches. `what` describes it in error messages. */
  until(name: string, what: string, fits: (object: RegistryReplication) => boolean): Promise<RegistryReplication>;
  untilReady(name: string): Promise<RegistryReplication>;
  /** Resolves when the object is gone from Kubernetes. */
  untilGone(name: string): Promise<void>;
  /** Every version of the object that kubectl has shown, oldest first. */
  history(name: string): readonly RegistryReplication[];
  /** `METHOD replica` of every write to the registry, in order; of a refused one, `METHOD replica: status`. */
  writesTo(registry: string): string[];
  /**
   * Waits for an event about the object, past or future, that reads `Reason: note`. Events are written in the background after
   * the status, so they may be missing when the status is there.
   */
  untilEvent(name: string, words: string | RegExp): Promise<void>;
  /** The events about the object so far, as `Reason: note`, in any order. */
  events(name: string): Promise<string[]>;
}

/** A spec without its registry; a region may be given as its name. */
export type ShortSpec = Omit<Partial<Spec>, 'regions' | 'registry'> & {
  readonly regions?: readonly (string | RegionSpec)[];
};

export function referenceTo(name: string): RegistryReference {
  return { subscriptionId: defaultSubscriptionId, resourceGroup: 'images', name };
}

export async function startScenario({
  timings,
  clock,
  args = [],
  env = {},
  prepare,
  ...options
}: ScenarioOptions): Promise<Scenario> {
  const environment = await startTestEnvironment({ arm: { timings, ...(clock && { clock }) }, ...options });
  environment.arm.azure.addResourceGroup(defaultSubscriptionId, 'images');
  const prepared = await prepareOrClose(environment, prepare);
  const start = () => environment.startOperator({ args: ['--log-level=debug', ...args], env: { ...env, ...prepared } });
  let operator = start();
  let requests = 0;
  const watch = startKubectl(environment.kubeconfig, ['get', 'georep', '-A', '-w', '-o=json', '--output-watch-events']);
  const objects = watchObjects(watch.stdout, () => operator.log.slice(-5).map(({ msg }) => msg));
  await operator.logged(({ msg }) => msg.includes('passes begin'));

  const scenario: Scenario = {
    ...environment,
    get operator() {
      return operator;
    },
    async restartOperator() {
      if (operator.isRunning()) await operator.stop('SIGKILL');
      operator = start();
    },
    addRegistry(name, settings) {
      const reference = referenceTo(name);
      environment.arm.azure.addRegistry(reference, settings);
      return reference;
    },
    async apply(name, spec, namespace = 'default') {
      await environment.identity.admitNamespace(namespace);
      const input = manifest(name, spec, environment.identity, namespace);
      objects.recordWrite(await environment.kubectl('apply -f - -o json', { input }));
    },
    async patch(name, patch) {
      const args = ['patch', 'georep', name, '--type=merge', '-o=json', '-p', JSON.stringify(patch)];
      objects.recordWrite(await environment.kubectl(args));
    },
    async requestReconcile(name) {
      const value = `request ${++requests}`;
      await environment.kubectl([
        'annotate',
        'georep',
        name,
        '--overwrite',
        `${annotation.reconcileRequestedAt}=${value}`,
      ]);
      return value;
    },
    async reconcileNow(name) {
      const value = await scenario.requestReconcile(name);
      return objects.until(name, 'has been looked at', ({ status }) => status?.lastHandledReconcileAt === value);
    },
    finishProvisioning(name, ...locations) {
      for (const location of locations) environment.arm.azure.finish(referenceTo(name), location);
      return scenario.reconcileNow(name);
    },
    until: objects.until,
    untilReady: (name) => objects.until(name, 'is Ready', isReady),
    untilGone: objects.untilGone,
    history: objects.history,
    writesTo: (registry) =>
      environment.arm.journal.writes
        .filter((entry) => entry.registry === registry)
        .map(({ method, replica, status }) => `${method} ${replica}${status < 300 ? '' : `: ${status}`}`),
    async untilEvent(name, words) {
      const watch = startKubectl(environment.kubeconfig, [...getEvents, '-w', '--output-watch-events']);
      const timer = setTimeout(() => watch.kill(), hangLimitMs);
      const seen: string[] = [];
      try {
        for await (const line of createInterface(watch.stdout)) {
          const event: Event = JSON.parse(line).object;
          if (event.regarding.name !== name) continue;
          const said = formatEvent(event);
          if (typeof words === 'string' ? said === words : words.test(said)) return;
          seen.push(said);
        }
      } finally {
        clearTimeout(timer);
        watch.kill();
      }
      throw new Error([`${name}: no event in time says ${words}, but:`, ...seen].join('\n'));
    },
    async events(name) {
      const { items }: { items: Event[] } = JSON.parse(await environment.kubectl(getEvents));
      return items.filter(({ regarding }) => regarding.name === name).map(formatEvent);
    },
    async close() {
      watch.kill();
      await environment.close();
    },
  };
  return scenario;
}

async function prepareOrClose(
  environment: TestEnvironment,
  prepare: ScenarioOptions['prepare'],
): Promise<Readonly<Record<string, string>>> {
  try {
    return (await prepare?.(environment)) ?? {};
  } catch (error) {
    await environment.close();
    throw error;
  }
}

interface Event {
  readonly regarding: { readonly name: string };
  readonly reason: string;
  readonly note: string;
}

const getEvents = ['get', 'events.events.k8s.io', '-n', 'default', '-o=json'];

function formatEvent({ reason, note }: Event): string {
  return `${reason}: ${note}`;
}

/** A manifest for `kubectl apply -f -`. */
export function manifest(
  name: string,
  { regions, ...spec }: ShortSpec,
  { specFields }: Pick<Identity, 'specFields'>,
  namespace = 'default',
): string {
  return JSON.stringify({
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { name, namespace },
    spec: {
      registry: referenceTo(name),
      ...(regions && {
        regions: regions.map((region) => (typeof region === 'string' ? { location: region } : region)),
      }),
      ...specFields,
      ...spec,
    },
  });
}
