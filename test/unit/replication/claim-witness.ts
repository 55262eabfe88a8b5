// Watches what several objects that name one registry do, and says which promise about claims was broken.
import { expect } from 'chai';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { authorize } from '../../../src/replication/authorization.ts';
import { problemsOf } from '../../../src/replication/validation.ts';
import type { FakeClock } from '../../fake-clock.ts';
import type { Action } from './any-sequence.ts';
import type { ClusterModel } from './cluster-model.ts';

const pruneDelayMs = 600_000;

interface Holding {
  readonly uid: string;
  /** By the clock that is never set. */
  readonly since: number;
  /** What it has listed while it held the registry. */
  readonly listed: Set<string>;
}

export class ClaimWitness {
  readonly violations: string[] = [];
  readonly #cluster: ClusterModel;
  readonly #clock: FakeClock;
  readonly #claims = new Map<string, NonNullable<RegistryReplication['status']>['claim']>();
  #holding: Holding | undefined;
  #last: Holding | undefined;
  #wasSetForward = false;
  /** After that, the process cannot know how much time has passed. */
  #lostItsClock = false;

  constructor(cluster: ClusterModel, clock: FakeClock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  happens(action: Action, name: string): void {
    if (action.kind === 'lose status') this.#claims.delete(this.#cluster.objects.get(name)?.metadata.uid ?? '');
    if (action.kind === 'clock' && action.minutes > 0) this.#wasSetForward = true;
    if (action.kind === 'crash' && this.#wasSetForward) this.#lostItsClock = true;
  }

  /** A write of the object's pass has been stored in Kubernetes. */
  stored(name: string): void {
    const object = this.#cluster.objects.get(name);
    if (!object) return;
    const uid = object.metadata.uid ?? '';
    const before = this.#claims.get(uid);
    const claim = object.status?.claim;
    this.#claims.set(uid, claim);
    const others = this.#cluster.holders.filter((other) => other !== name);
    if (claim && !before && others.length > 0) this.violations.push(`${name} acquired what ${others} holds`);
    if (!claim && before && before.refusedSince === undefined && others.length === 0)
      this.violations.push(`${name} gave up its claim without need`);
    if (!claim) return;
    if (this.#holding?.uid !== uid) {
      this.#last = this.#holding;
      this.#holding = { uid, since: this.#clock.monotonic(), listed: new Set() };
      this.#wasSetForward = false;
      this.#lostItsClock = false;
    }
    for (const location of listedBy(object)) this.#holding.listed.add(location);
  }

  /** A write to ARM goes out for the object. */
  sends(name: string, method: 'create' | 'update' | 'remove', location: string): void {
    const object = this.#cluster.objects.get(name);
    const what = `${method} ${location} for ${name}`;
    if (!object) {
      this.violations.push(`${what}, which is gone`);
      return;
    }
    const { spec, metadata, status } = object;
    const reading = this.#cluster.namespaces[name] ?? { annotations: {} };
    const why = [
      ...(status?.claim ? [] : ['which has no claim']),
      ...(this.#cluster.holders.length > 1 ? [`while ${this.#cluster.holders} hold it`] : []),
      ...(spec.mode === 'Observe' ? ['which observes'] : []),
      ...(spec.suspend ? ['which is suspended'] : []),
      ...(problemsOf(object).length > 0 ? ['which is invalid'] : []),
      ...(authorize(object, this.#cluster.rules, reading) ? ['which may not'] : []),
      ...(method === 'create' && !listedBy(object).has(location) ? ['which does not list it'] : []),
      ...(method === 'remove' && this.#isHasty(object, location) ? ['in haste after a take-over'] : []),
      ...(method === 'remove' && listedBy(object).has(location) && !metadata.deletionTimestamp
        ? ['which lists it']
        : []),
    ];
    if (why.length > 0) this.violations.push(`${what}, ${why.join(', ')}`);
  }

  /** When all is calm and everything is allowed. */
  expectRightHolder(locations: readonly string[]): void {
    const objects = [...this.#cluster.objects.values()];
    const isEligible = (object: RegistryReplication) =>
      object.spec.mode !== 'Observe' && !object.spec.suspend && problemsOf(object).length === 0;
    const holders = objects.filter(({ status }) => status?.claim);
    expect(holders.length, 'holders').to.be.at.most(1);
    if (objects.some(isEligible)) expect(holders.length, 'holders').to.equal(1);
    const [holder] = holders;
    if (holder) expect(holder.metadata.uid).to.equal(this.#holding?.uid);
    for (const object of objects.filter(isEligible)) {
      const ready = this.#cluster.ready(object.metadata.name);
      if (object !== holder) expect(ready).to.include({ status: 'False', reason: 'RegistryClaimed' });
      else expect(ready, ready?.message).to.include({ status: 'True' });
    }
    if (holder && isEligible(holder)) expect(locations).to.include.members([...listedBy(holder)]);
  }

  #isHasty(object: RegistryReplication, location: string): boolean {
    if (!this.#holding || !this.#last?.listed.has(location) || this.#lostItsClock) return false;
    const isOwn = this.#holding.uid === object.metadata.uid && this.#holding.listed.has(location);
    return !isOwn && this.#clock.monotonic() - this.#holding.since < pruneDelayMs;
  }
}

function listedBy({ spec }: RegistryReplication): Set<string> {
  return new Set(spec.regions.map(({ location }) => location));
}
