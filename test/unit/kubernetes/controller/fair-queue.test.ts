import { expect } from 'chai';
import fc from 'fast-check';
import { FairQueue } from '../../../../src/kubernetes/controller/fair-queue.ts';
import { propertyRuns } from '../../../property-runs.ts';

/** The same by slow means: lists of keys by namespace, in the order of their turns. */
class Model {
  readonly lanes: { readonly namespace: string; readonly keys: string[] }[] = [];

  add(key: string): void {
    const namespace = namespaceOf(key);
    const lane = this.lanes.find((one) => one.namespace === namespace);
    if (lane) lane.keys.push(key);
    else this.lanes.push({ namespace, keys: [key] });
  }

  delete(key: string): void {
    for (const [index, { keys }] of this.lanes.entries()) {
      const at = keys.indexOf(key);
      if (at >= 0) keys.splice(at, 1);
      if (keys.length === 0) this.lanes.splice(index, 1);
    }
  }

  take(refused: string | undefined): string | undefined {
    const chosen = this.lanes.findIndex(({ namespace }) => namespace !== refused);
    const passed = this.lanes.splice(0, chosen < 0 ? this.lanes.length : chosen);
    this.lanes.push(...passed);
    if (chosen < 0) return undefined;
    const [lane] = this.lanes.splice(0, 1);
    // The namespaces that lost their turn go before the one that had it.
    const key = lane?.keys.shift();
    if (lane && lane.keys.length > 0) this.lanes.push(lane);
    return key;
  }
}

function namespaceOf(key: string): string {
  return key.split('/')[0] ?? '';
}

function takeAll(queue: FairQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
  return keys;
}

describe('the fair queue', () => {
  it('serves namespaces in turn, and the keys of each in the order of arrival', () => {
    const queue = new FairQueue();
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'b/2']) queue.add(key);
    expect(takeAll(queue)).to.deep.equal(['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3']);
    expect(queue.size).to.equal(0);
  });

  it('serves a bystander after one of 1,500 keys of another namespace', () => {
    const queue = new FairQueue();
    for (let n = 0; n < 1_500; n++) queue.add(`crowd/${n}`);
    expect([queue.take(), queue.take()]).to.deep.equal(['crowd/0', 'crowd/1']);
    queue.add('bystander/1');
    expect([queue.take(), queue.take()]).to.deep.equal(['crowd/2', 'bystander/1']);
    expect(queue.size).to.equal(1_497);
  });

  it('treats keys without a namespace as one namespace', () => {
    const queue = new FairQueue();
    for (const key of ['one', 'two', 'a/1']) queue.add(key);
    expect(takeAll(queue)).to.deep.equal(['one', 'a/1', 'two']);
  });

  it('passes over a namespace that may not start', () => {
    const queue = new FairQueue();
    for (const key of ['a/1', 'a/2', 'b/1']) queue.add(key);
    const notA = (namespace: string) => namespace !== 'a';
    expect([queue.take(notA), queue.take(notA), queue.size]).to.deep.equal(['b/1', undefined, 2]);
    expect(takeAll(queue)).to.deep.equal(['a/1', 'a/2']);
  });

  it('forgets a deleted key and everything that is cleared', () => {
    const queue = new FairQueue();
    for (const key of ['a/1', 'a/2', 'b/1']) queue.add(key);
    queue.delete('a/1');
    queue.delete('b/1');
    queue.delete('c/1');
    expect([queue.size, queue.take(), queue.take()]).to.deep.equal([1, 'a/2', undefined]);
    queue.add('a/3');
    queue.clear();
    expect([queue.size, queue.take()]).to.deep.equal([0, undefined]);
    queue.add('a/4');
    expect(takeAll(queue)).to.deep.equal(['a/4']);
  });

  const key = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(5)).map(([namespace, n]) => `${namespace}/${n}`);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), refused: fc.constantFrom('a', undefined) }) },
  );
  const steps = fc.array(step, { maxLength: 60 });

  it('does what slow lists do, whatever happens in which order', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [queue, model, queued] = [new FairQueue(), new Model(), new Set<string>()];
        for (const step of all) {
          if (step.do === 'add') {
            if (queued.has(step.key)) continue;
            queued.add(step.key);
            queue.add(step.key);
            model.add(step.key);
          } else if (step.do === 'delete') {
            queued.delete(step.key);
            queue.delete(step.key);
            model.delete(step.key);
          } else {
            const taken = queue.take((namespace) => namespace !== step.refused);
            expect(taken).to.equal(model.take(step.refused));
            if (taken !== undefined) expect(queued.delete(taken), `${taken} is taken twice`).to.equal(true);
          }
          expect(queue.size).to.equal(queued.size);
        }
        expect(takeAll(queue)).to.have.members([...queued]);
      }),
      propertyRuns(1_000),
    );
  });

  it('serves no namespace twice while another one waits for its turn', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [queue, queued] = [new FairQueue(), new Set<string>()];
        /** By namespace with queued keys: the namespaces served since its last turn. */
        const waiting = new Map<string, string[]>();
        for (const step of all) {
          if (step.do === 'add' && !queued.has(step.key)) {
            queued.add(step.key);
            queue.add(step.key);
            if (!waiting.has(namespaceOf(step.key))) waiting.set(namespaceOf(step.key), []);
          } else if (step.do === 'take') {
            const taken = queue.take();
            if (taken === undefined) continue;
            queued.delete(taken);
            const served = namespaceOf(taken);
            waiting.delete(served);
            for (const [namespace, others] of waiting) {
              expect(others, `served twice while ${namespace} waited`).to.not.include(served);
              others.push(served);
            }
            if ([...queued].some((one) => namespaceOf(one) === served)) waiting.set(served, []);
          }
        }
      }),
      propertyRuns(1_000),
    );
  });
});
