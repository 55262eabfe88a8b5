import { expect } from 'chai';
import fc from 'fast-check';
import { Admission, type Candidate } from '../../../../src/kubernetes/cache/admission.ts';
import { propertyRuns } from '../../../property-runs.ts';

type Change =
  | { readonly kind: 'create'; readonly namespace: string; readonly weight?: number }
  | { readonly kind: 'edit'; readonly index: number; readonly weight: number }
  | { readonly kind: 'delete'; readonly index: number }
  /** Deleted, and created again under its name. */
  | { readonly kind: 'recreate'; readonly index: number }
  /** Every object has a pass, and the watch delivers the status. */
  | { readonly kind: 'passes' }
  /** The watch was lost, and this many changes with it. */
  | { readonly kind: 'relist'; readonly lost: number }
  /** `failed`: this many LISTs broke off in the middle. `grown`: this many objects were edited while no process ran. */
  | { readonly kind: 'restart'; readonly failed: number; readonly grown?: number };

const namespaces = ['bulk', 'shop', 'web'];
/** Of objects that weigh at most `maxWeight`. */
const changeOf = (maxWeight: number): fc.Arbitrary<Change> => {
  const weight = fc.integer({ min: 1, max: maxWeight });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('create' as const), namespace: fc.constantFrom(...namespaces), weight }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('edit' as const), index: fc.nat(50), weight }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), index: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('recreate' as const), index: fc.nat(50) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('passes' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('relist' as const), lost: fc.nat(2) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        failed: fc.nat(2),
        grown: fc.nat(maxWeight > 1 ? 2 : 0),
      }),
    },
  );
};

/** The objects of a cluster, and the admission of the operator that watches them. */
class Cluster {
  readonly objects = new Map<string, Candidate>();
  readonly maxObjects: number;
  readonly isShared: boolean;
  admission: Admission;
  hasGrownUnseen = false;
  /** All objects had the weight 1 at any time. */
  isUniform = true;
  #created = 0;

  constructor(maxObjects: number, isShared: boolean) {
    this.maxObjects = maxObjects;
    this.isShared = isShared;
    this.admission = this.#start();
  }

  apply(next: Change): void {
    switch (next.kind) {
      case 'create':
        return void this.admission.onWatched(this.#create(next.namespace, next));
      case 'edit': {
        const object = this.objects.get(this.#keyAt(next.index) ?? '');
        if (!object) return;
        const edited = { ...object, weight: next.weight, isReported: false };
        this.objects.set(object.key, edited);
        this.admission.onWatched(edited);
        return;
      }
      case 'delete': {
        const key = this.#deleteOne(next.index);
        if (key !== undefined) this.admission.remove(key);
        return;
      }
      case 'recreate': {
        const key = this.#keyAt(next.index);
        const namespace = key?.split('/')[0];
        if (key !== undefined && namespace !== undefined) this.admission.onWatched(this.#create(namespace, { key }));
        return;
      }
      case 'passes':
        for (const [key, object] of this.objects) {
          const isIncumbent = this.admission.isAdmitted(key);
          const seen = { ...object, isIncumbent, isReported: !isIncumbent };
          this.objects.set(key, seen);
          this.admission.onWatched(seen);
        }
        return;
      case 'relist':
        for (let lost = 0; lost < next.lost; lost++) this.#deleteOne(lost);
        this.list();
        return;
      case 'restart':
        this.admission = this.#start();
        if (next.grown) this.hasGrownUnseen = true;
        for (const object of [...this.objects.values()].slice(0, next.grown ?? 0))
          this.objects.set(object.key, { ...object, weight: object.weight + 2 });
        for (let failed = 0; failed < next.failed; failed++) {
          this.#items(Math.ceil(this.objects.size / 2));
          this.#deleteOne(failed);
        }
        this.list();
        return;
      default:
        next satisfies never;
    }
  }

  list(): void {
    const whole = this.#items(this.objects.size);
    this.admission.onListed(undefined, new Set(this.objects.keys()));
    // What the informer has dropped of an admitted object must be read again, which `isAdmitted` then asks for; never the reverse.
    for (const key of whole) expect(this.admission.isAdmitted(key), key).to.equal(true);
  }

  admitted(): Candidate[] {
    return [...this.objects.values()].filter(({ key }) => this.admission.isAdmitted(key));
  }

  refused(): Candidate[] {
    return [...this.objects.values()].filter(({ key }) => this.admission.isRefused(key));
  }

  /** Usual objects that were worked on stay, though others grew while no process ran. */
  get bound(): number {
    return this.hasGrownUnseen ? this.maxObjects + this.#usualIncumbents : this.maxObjects;
  }

  get #usualIncumbents(): number {
    return [...this.objects.values()].filter(({ isIncumbent, weight }) => isIncumbent && weight === 1).length;
  }

  hasRoomFor({ namespace, weight }: Candidate): boolean {
    const admitted = this.admitted();
    const own = weightOf(admitted.filter((one) => one.namespace === namespace));
    // As if the object were added in parts of weight 1.
    const left = this.maxObjects - weightOf(admitted) - (weight - 1);
    return left > 0 && (!this.isShared || own + weight - 1 < 3 * left);
  }

  /** Passes on the first items, in the order of their keys. Returns the keys of those that the informer still has whole. */
  #items(count: number): Set<string> {
    const whole = new Set<string>();
    for (const key of [...this.objects.keys()].sort().slice(0, count)) {
      const object = this.objects.get(key);
      if (object && this.admission.onItem(object, () => whole.delete(key))) whole.add(key);
      // Memory is bounded while a LIST is read, too.
      const kept = [...whole].flatMap((key) => this.objects.get(key) ?? []);
      expect(weightOf(kept), 'whole').to.be.at.most(Math.max(this.bound, this.#usualIncumbents));
    }
    return whole;
  }

  #create(namespace: string, { key: known, weight = 1 }: { key?: string; weight?: number | undefined }): Candidate {
    const n = this.#created++;
    // Names have no order in time, and two objects are created in each second.
    const key = known ?? `${namespace}/${(n * 7) % 10}-${n}`;
    const uid = `${(n * 3) % 10}-${n}`;
    const createdAt = Math.floor(n / 2) * 1_000;
    const object = { key, uid, namespace, createdAt, weight, isIncumbent: false, isReported: false };
    this.objects.set(key, object);
    return object;
  }

  #deleteOne(index: number): string | undefined {
    const key = this.#keyAt(index);
    if (key !== undefined) this.objects.delete(key);
    return key;
  }

  #keyAt(index: number): string | undefined {
    return [...this.objects.keys()][index % Math.max(1, this.objects.size)];
  }

  #start(): Admission {
    return new Admission({ maxObjects: this.maxObjects, isShared: this.isShared, onAdmitted: () => undefined });
  }
}

function weightOf(objects: readonly Candidate[]): number {
  return objects.reduce((sum, { weight }) => sum + weight, 0);
}

/** Checks what must hold after any change. `before`: what was admitted then, unless the process is another one. */
function check(cluster: Cluster, before: readonly Candidate[]): void {
  const [admitted, refused] = [cluster.admitted(), cluster.refused()];
  expect(weightOf(admitted), 'admitted').to.be.at.most(cluster.bound);
  if (weightOf(admitted) <= cluster.maxObjects) cluster.hasGrownUnseen = false;
  expect([cluster.admission.admitted, cluster.admission.refused]).to.deep.equal([admitted.length, refused.length]);
  for (const { key, uid, weight } of before) {
    const now = cluster.objects.get(key);
    if (now?.uid === uid && now.weight <= weight)
      expect(cluster.admission.isAdmitted(key), `${key} was admitted`).to.equal(true);
  }
  for (const object of refused) {
    const { key, namespace, createdAt } = object;
    expect(cluster.hasRoomFor(object), `there is room for ${key}`).to.equal(false);
    const isYounger = (one: Candidate) => one.namespace === namespace && one.createdAt > createdAt;
    // A younger one may fit where an older one did not.
    const younger = cluster.isUniform ? admitted.find(isYounger) : undefined;
    expect(younger?.key, `younger than ${key}, which is refused`).to.equal(undefined);
  }
}

function apply(cluster: Cluster, changes: readonly Change[]): void {
  for (const next of changes) {
    const isGrowing = next.kind === 'restart' && (next.grown ?? 0) > 0;
    // A large object that was not edited may lose its place to one that was.
    const keepsPlace = ({ isIncumbent, weight }: Candidate) => isIncumbent && (weight === 1 || !isGrowing);
    const before = next.kind === 'restart' ? cluster.admitted().filter(keepsPlace) : cluster.admitted();
    cluster.apply(next);
    if ([...cluster.objects.values()].some(({ weight }) => weight > 1)) cluster.isUniform = false;
    check(cluster, before);
  }
}

const sequenceOf = (maxWeight: number) => fc.array(changeOf(maxWeight), { maxLength: 60 });

describe('Admission', () => {
  for (const isShared of [false, true])
    it(`admits the oldest objects and keeps them, across restarts${isShared ? ', and leaves room to other namespaces' : ''}`, () =>
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 12 }), sequenceOf(1), (maxObjects, changes) =>
          apply(new Cluster(maxObjects, isShared), changes),
        ),
        propertyRuns(2_000, 400),
      ));

  for (const isShared of [false, true])
    it(`bounds the weight of objects that grow and shrink${isShared ? ', and leaves room to other namespaces' : ''}`, () =>
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 12 }), sequenceOf(4), (maxObjects, changes) =>
          apply(new Cluster(maxObjects, isShared), changes),
        ),
        propertyRuns(2_000, 400),
      ));

  it('keeps every object that was worked on when the limit is lower than their number', () => {
    const cluster = new Cluster(5, false);
    for (let n = 0; n < 5; n++) cluster.apply({ kind: 'create', namespace: 'web' });
    cluster.apply({ kind: 'passes' });
    const lower = new Cluster(2, false);
    for (const [key, object] of cluster.objects) lower.objects.set(key, object);
    lower.list();
    lower.apply({ kind: 'create', namespace: 'shop' });
    expect([lower.admitted().length, lower.refused().length]).to.deep.equal([5, 1]);
  });

  it('has room for a second namespace, whatever the first one creates', () => {
    const cluster = new Cluster(20, true);
    for (let n = 0; n < 100; n++) cluster.apply({ kind: 'create', namespace: 'bulk' });
    for (let n = 0; n < 3; n++) cluster.apply({ kind: 'create', namespace: 'web' });
    const admitted = cluster.admitted().map(({ namespace }) => namespace);
    expect(admitted.filter((namespace) => namespace === 'bulk')).to.have.length(15);
    expect(admitted.filter((namespace) => namespace === 'web')).to.have.length(3);
  });

  it('admits all objects without a limit', () => {
    const cluster = new Cluster(Number.POSITIVE_INFINITY, true);
    for (let n = 0; n < 100; n++) cluster.apply({ kind: 'create', namespace: 'bulk' });
    cluster.apply({ kind: 'restart', failed: 1 });
    expect(cluster.refused()).to.deep.equal([]);
  });

  it('takes an object that is created again under its name for a new one', () => {
    const cluster = new Cluster(1, false);
    cluster.apply({ kind: 'create', namespace: 'web' });
    cluster.apply({ kind: 'create', namespace: 'web' });
    const [first, second] = [...cluster.objects.values()];
    if (!first || !second) throw new Error('two objects were created');
    const again = { ...first, uid: 'another', createdAt: 9_000 };
    expect(cluster.admission.onWatched(again)).to.equal(false);
    expect(cluster.admission.isAdmitted(second.key)).to.equal(true);
    cluster.admission.remove(second.key);
    expect(cluster.admission.isAdmitted(again.key)).to.equal(true);
  });

  it('refuses an object that grows beyond the room, gives its place to another, and has no place for it when it shrinks', () => {
    const cluster = new Cluster(2, false);
    for (let n = 0; n < 3; n++) cluster.apply({ kind: 'create', namespace: 'web' });
    cluster.apply({ kind: 'passes' });
    const [grown, other, refused] = [...cluster.objects.keys()];
    cluster.apply({ kind: 'edit', index: 0, weight: 2 });
    expect(cluster.admitted().map(({ key }) => key)).to.deep.equal([other, refused]);
    cluster.apply({ kind: 'edit', index: 0, weight: 1 });
    expect(cluster.refused().map(({ key }) => key)).to.deep.equal([grown]);
  });

  it('takes back what a LIST admitted that broke off, once the next one shows an older object', () => {
    const { admission } = new Cluster(1, false);
    const item = (key: string, createdAt: number, refuse: () => void) =>
      admission.onItem(
        { key, uid: key, namespace: 'web', createdAt, weight: 1, isIncumbent: false, isReported: false },
        refuse,
      );
    const refused: string[] = [];
    expect(item('web/a', 2_000, () => refused.push('the first LIST'))).to.equal(true);
    expect(item('web/a', 2_000, () => refused.push('the second LIST'))).to.equal(true);
    expect(item('web/b', 1_000, () => refused.push('the older object'))).to.equal(true);
    expect(refused).to.deep.equal(['the second LIST']);
  });

  it('names the refused objects whose status does not say so', () => {
    const cluster = new Cluster(1, false);
    for (let n = 0; n < 2; n++) cluster.apply({ kind: 'create', namespace: 'web' });
    const due = () => cluster.admission.keys().filter((key) => cluster.admission.isUnreported(key));
    expect(due()).to.have.length(1);
    cluster.apply({ kind: 'passes' });
    expect(due()).to.deep.equal([]);
  });
});
