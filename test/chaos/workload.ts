// Creates, edits and deletes objects over a direct connection to the API server while the operator's connection is faulty.
// Requests are repeated until they are confirmed, and the confirmed changes are recorded.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiException, CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { isFromApiServer, isNotFound } from '../../src/kubernetes/client/errors.ts';
import type { Random } from '../emulators/arm/random.ts';
import { kubeApi } from '../kube-api.ts';
import { changedRegions, type DesiredRegion, type DesiredState, firstRegions } from './desired-state.ts';

export const namespace = 'default';

/** A change that the API server has confirmed, and that must lead to a pass. */
export interface Change {
  readonly what: 'creation' | 'edit' | 'deletion';
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** When the response came, in ms since the epoch. */
  readonly answered: number;
  /** Whether the first attempt was confirmed; otherwise the change may be older than its response. */
  readonly atFirstAttempt: boolean;
}

type Answer = Pick<RegistryReplication, 'metadata'>;

export class Workload {
  /** In the order of the responses. */
  readonly changes: Change[] = [];
  /** Uids of objects deleted before the operator added its finalizer: it may never have seen them. */
  readonly unobserved = new Set<string>();
  readonly #cluster: KubeClient;
  readonly #api: CustomObjectsApi;
  readonly #random: Random;
  readonly #desiredStates: readonly DesiredState[];
  /** The uid of the latest object of each desired state. */
  readonly #uids = new Map<DesiredState, string>();
  readonly #busy = new Map<DesiredState, Promise<void>>();
  #creations = 0;
  #listeners: (() => void)[] = [];

  constructor(kubeconfig: string, desiredStates: readonly DesiredState[], random: Random) {
    this.#cluster = createKubeClient(loadKubeConfig(kubeconfig), { timeoutMs: 5_000, userAgent: 'chaos-workload' });
    this.#api = kubeApi(this.#cluster, CustomObjectsApi);
    this.#desiredStates = desiredStates;
    this.#random = random;
  }

  /** Makes a random change, most often an edit. Does nothing if the chosen object has a request in flight. */
  changeSomething(): void {
    const random = this.#random;
    const fresh = this.#desiredStates.find((desired) => !this.#uids.has(desired) && !this.#busy.has(desired));
    const desired =
      fresh && random() < 0.4
        ? fresh
        : this.#desiredStates[Math.floor(random() * Math.min(this.#desiredStates.length, this.#known))];
    if (!desired || this.#busy.has(desired) || this.#busy.size >= 20) return;
    const doing = this.#change(desired).finally(() => this.#busy.delete(desired));
    this.#busy.set(desired, doing);
  }

  /** Creates an object that does not exist. */
  async create(desired: DesiredState, regions: readonly DesiredRegion[]): Promise<void> {
    const mark = String(++this.#creations);
    const { name, registry } = desired;
    const metadata = { name, namespace, annotations: { 'chaos/creation': mark } };
    const body = { apiVersion: `${group}/${version}`, kind, metadata, spec: { registry, regions, pruneDelay: '0s' } };
    const { answer, atFirstAttempt } = await this.#insist(async (): Promise<Answer | undefined> => {
      try {
        return await this.#api.createNamespacedCustomObject({ group, version, plural, namespace, body });
      } catch (error) {
        if (!(error instanceof ApiException) || error.code !== 409) throw error;
        // Either ours, whose response was lost, or the previous object, which is still being deleted.
        const there: RegistryReplication = await this.#api.getNamespacedCustomObject(this.#of(desired));
        return there.metadata.annotations?.['chaos/creation'] === mark ? there : undefined;
      }
    });
    if (!answer) return;
    desired.setRegions(regions);
    this.#uids.set(desired, answer.metadata.uid ?? '');
    this.#confirmed('creation', answer, atFirstAttempt);
  }

  /** Creates the objects that do not exist yet. Resolves when no request is in flight. */
  async finish(): Promise<void> {
    await Promise.all(this.#busy.values());
    for (const desired of this.#desiredStates) if (!this.#uids.has(desired)) await this.#change(desired);
  }

  /** Resolves at the next confirmed change. */
  nextConfirmation(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  async objects(): Promise<RegistryReplication[]> {
    const list = await this.#insist(() => this.#api.listClusterCustomObject({ group, version, plural }));
    return list.answer.items;
  }

  close(): Promise<void> {
    return this.#cluster.close();
  }

  get #known(): number {
    return Math.max(1, this.#uids.size);
  }

  async #change(desired: DesiredState): Promise<void> {
    if (desired.regions.length === 0) return this.create(desired, firstRegions(this.#random));
    if (this.#random() < 0.12) return this.#delete(desired);
    return this.#edit(desired, changedRegions(desired.regions, this.#random));
  }

  async #edit(desired: DesiredState, regions: readonly DesiredRegion[]): Promise<void> {
    desired.setRegions(regions);
    const { answer, atFirstAttempt } = await this.#insist(
      (): Promise<Answer> =>
        this.#api.patchNamespacedCustomObject(
          { ...this.#of(desired), body: { spec: { regions } } },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
        ),
    );
    this.#confirmed('edit', answer, atFirstAttempt);
  }

  async #delete(desired: DesiredState): Promise<void> {
    desired.setRegions([]);
    const { answer, atFirstAttempt } = await this.#insist(async (): Promise<Answer | undefined> => {
      try {
        const deleted: Answer = await this.#api.deleteNamespacedCustomObject(this.#of(desired));
        return deleted.metadata.deletionTimestamp ? deleted : undefined; // undefined: it is gone already
      } catch (error) {
        if (isNotFound(error) && namesAnObject(error)) return undefined;
        throw error;
      }
    });
    if (answer) this.#confirmed('deletion', answer, atFirstAttempt);
    else this.unobserved.add(this.#uids.get(desired) ?? '');
  }

  #confirmed(what: Change['what'], { metadata }: Answer, atFirstAttempt: boolean): void {
    const { name, uid = '', generation = 0 } = metadata;
    this.changes.push({ what, name, uid, generation, answered: Date.now(), atFirstAttempt: atFirstAttempt });
    for (const listener of this.#listeners.splice(0)) listener();
  }

  #of({ name }: DesiredState) {
    return { group, version, plural, namespace, name };
  }

  /** Repeats a request while the API server is unavailable. */
  async #insist<T>(request: () => Promise<T>): Promise<{ answer: T; atFirstAttempt: boolean }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return { answer: await request(), atFirstAttempt: attempt === 1 };
      } catch (error) {
        const isRefused = error instanceof ApiException && [400, 409, 422].includes(error.code);
        if (!isFromApiServer(error) || isRefused || attempt > 1_000) throw error;
        await sleep(100);
      }
    }
  }
}

/** Tells "no such object" from the "no such path" of a server that has not loaded its CRDs yet. */
function namesAnObject(error: unknown): boolean {
  if (!(error instanceof ApiException)) return false;
  const body: unknown = typeof error.body === 'string' ? parsed(error.body) : error.body;
  return (body as { details?: { name?: unknown } } | undefined)?.details?.name !== undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // "404 page not found"
  }
}
