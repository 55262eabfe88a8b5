// Observes several objects that name one registry and records each violated guarantee of claims.
import { expect } from 'chai';
import { listedRegions, type RegistryReplication } from '../../../src/api/registryreplication.ts';
import { authorize } from '../../../src/replication/authorization.ts';
import { problemsOf } from '../../../src/replication/validation.ts';
import type { FakeClock } from '../../fake-clock.ts';
import type { Action } from './any-sequence.ts';
import type { ClusterModel } from './cluster-model.ts';

const pruneDelayMs = 600_000;

interface ClaimTerm {
  readonly uid: string;
  /** By the monotonic clock. */
  readonly sinceMs: number;
  /** Regions that the object has listed since it acquired the registry. */
  readonly listed: Set<string>;
}

export class ClaimMonitor {
  readonly violations: string[] = [];
  readonly #cluster: ClusterModel;
  readonly #clock: FakeClock;
  readonly #claims = new Map<string, NonNullable<RegistryReplication['status']>['claim']>();
  #current: ClaimTerm | undefined;
  #previous: ClaimTerm | undefined;
  #wasSetForward = false;
  /** A restart after the clock was set forward: the process cannot know how much time has passed. */
  #cannotMeasureTime = false;

  constructor(cluster: ClusterModel, clock: FakeClock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  beforeAction(action: Action, name: string): void {
    if (action.kind === 'lose status') this.#claims.delete(this.#cluster.objects.get(name)?.metadata.uid ?? '');
    if (action.kind === 'clock' && action.minutes > 0) this.#wasSetForward = true;
    if (action.kind === 'crash' && this.#wasSetForward) this.#cannotMeasureTime = true;
  }

  /** Call after a write of the object's pass has been stored in Kubernetes. */
  afterStore(name: string): void {
    const object = this.#cluster.objects.get(name);
    if (!object) return;
    const uid = object.metadata.uid ?? '';
    const before = this.#claims.get(uid);
    const claim = object.status?.claim;
    this.#claims.set(uid, claim);
    const others = this.#cluster.holders.filter((other) => other !== name);
    if (claim && !before && others.length > 0) this.violations.push(`${name} acquired the claim of ${others}`);
    if (!claim && before && before.refusedSince === undefined && others.length === 0)
      this.violations.push(`${name} gave up its claim without a reason`);
    if (!claim) return;
    if (this.#current?.uid !== uid) {
      this.#previous = this.#current;
      this.#current = { uid, sinceMs: this.#clock.monotonic(), listed: new Set() };
      this.#wasSetForward = false;
      this.#cannotMeasureTime = false;
    }
    for (const location of listedBy(object)) this.#current.listed.add(location);
  }

  /** Call before a write to ARM for the object. */
  beforeArmWrite(name: string, method: 'create' | 'update' | 'remove', location: string): void {
    const object = this.#cluster.objects.get(name);
    const what = `${method} ${location} for ${name}`;
    if (!object) {
      this.violations.push(`${what}, which no longer exists`);
      return;
    }
    const { spec, metadata, status } = object;
    const reading = this.#cluster.namespaces[name] ?? { annotations: {} };
    const reasons = [
      ...(status?.claim ? [] : ['which has no claim']),
      ...(this.#cluster.holders.length > 1 ? [`while ${this.#cluster.holders} hold it`] : []),
      ...(spec.mode === 'Observe' ? ['which observes'] : []),
      ...(spec.suspend ? ['which is suspended'] : []),
      ...(problemsOf(object).length > 0 ? ['which is invalid'] : []),
      ...(authorize(object, this.#cluster.rules, reading) ? ['which is not authorized'] : []),
      ...(method === 'create' && !listedBy(object).has(location) ? ['which does not list it'] : []),
      ...(method === 'remove' && this.#isTooEarly(object, location) ? ['within pruneDelay of a take-over'] : []),
      ...(method === 'remove' && listedBy(object).has(location) && !metadata.deletionTimestamp
        ? ['which lists it']
        : []),
    ];
    if (reasons.length > 0) this.violations.push(`${what}, ${reasons.join(', ')}`);
  }

  /** Call once every object is allowed and no more actions follow. */
  expectRightHolder(locations: readonly string[]): void {
    const objects = [...this.#cluster.objects.values()];
    const isEligible = (object: RegistryReplication) =>
      object.spec.mode !== 'Observe' && !object.spec.suspend && problemsOf(object).length === 0;
    const holders = objects.filter(({ status }) => status?.claim);
    expect(holders.length, 'holders').to.be.at.most(1);
    if (objects.some(isEligible)) expect(holders.length, 'holders').to.equal(1);
    const [holder] = holders;
    if (holder) expect(holder.metadata.uid).to.equal(this.#current?.uid);
    for (const object of objects.filter(isEligible)) {
      const ready = this.#cluster.ready(object.metadata.name);
      if (object !== holder) expect(ready).to.include({ status: 'False', reason: 'RegistryClaimed' });
      else expect(ready, ready?.message).to.include({ status: 'True' });
    }
    if (holder && isEligible(holder)) expect(locations).to.include.members([...listedBy(holder)]);
  }

  #isTooEarly(object: RegistryReplication, location: string): boolean {
    if (!this.#current || !this.#previous?.listed.has(location) || this.#cannotMeasureTime) return false;
    const isOwn = this.#current.uid === object.metadata.uid && this.#current.listed.has(location);
    return !isOwn && this.#clock.monotonic() - this.#current.sinceMs < pruneDelayMs;
  }
}

function listedBy({ spec }: RegistryReplication): Set<string> {
  return new Set(listedRegions(spec).map(({ location }) => location));
}
