import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import jsonpatch, { type Operation } from 'fast-json-patch';
import { isConflict, ObjectChanged } from '../../../../src/kubernetes/client/errors.ts';
import type { Resource } from '../../../../src/kubernetes/client/resource.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../../../src/kubernetes/controller/finalizer.ts';
import { type Widget, widget, widgets } from '../widget.ts';

const ours = 'example.dev/ours';
const foreign = 'foreign.dev/theirs';

/** One object in a store of its own, with an API server's responses. */
class OneWidget {
  now: Widget | undefined;
  patches = 0;
  reads = 0;
  /** Called before each patch is applied, to simulate concurrent changes. */
  meanwhile: () => void = () => undefined;

  constructor(now: Widget) {
    this.now = now;
  }

  change(metadata: Widget['metadata']): void {
    const version = String(Number(this.now?.metadata?.resourceVersion) + 1);
    this.now = { ...this.now, metadata: { ...this.now?.metadata, resourceVersion: version, ...metadata } };
  }

  readonly resource: Resource<Widget> = {
    kind: widgets,
    path: () => '',
    list: async () => ({ items: [] }),
    replaceStatus: async (object) => object,
    get: async () => {
      this.reads++;
      return this.#existing();
    },
    patch: async (_, operations) => {
      this.patches++;
      this.meanwhile();
      const before = this.#existing();
      const body = operations.map((operation) => ({ ...operation }) as Operation);
      const failed = jsonpatch.validate(
        body.filter(({ op }) => op !== 'test'),
        before,
      );
      if (failed) throw refusal(422, failed.message);
      try {
        const { newDocument } = jsonpatch.applyPatch(before, body, true, false);
        this.now = newDocument;
      } catch (error) {
        throw refusal(422, String(error));
      }
      this.change({});
      if (this.now?.metadata?.deletionTimestamp && !this.now.metadata.finalizers?.length) {
        const last = this.#existing();
        this.now = undefined;
        return last;
      }
      return this.#existing();
    },
  };

  #existing(): Widget {
    if (!this.now) throw refusal(404, 'not found', { name: 'bear' });
    return structuredClone(this.now);
  }
}

function refusal(code: number, message: string, details?: object): ApiException<string> {
  return new ApiException(code, '', JSON.stringify({ message, details }), {});
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  );
}

describe('the finalizer', () => {
  const plain = () => widget('bear', '1');
  const held = (...finalizers: string[]) => widget('bear', '1', { metadata: { finalizers } });

  it('is added to an object, which resolves to the stored object', async () => {
    const one = new OneWidget(plain());
    const object = await addFinalizer(one.resource, plain(), ours);
    expect(object).to.deep.equal(one.now);
    expect(object.metadata?.finalizers).to.deep.equal([ours]);
    expect(object.metadata?.resourceVersion).to.equal('2');
  });

  it('is added to other finalizers', async () => {
    const one = new OneWidget(held(foreign));
    await addFinalizer(one.resource, held(foreign), ours);
    expect(one.now?.metadata?.finalizers).to.deep.equal([foreign, ours]);
  });

  it('costs no request if there is nothing to add or remove', async () => {
    const one = new OneWidget(held(ours));
    expect(hasFinalizer(await addFinalizer(one.resource, held(ours), ours), ours)).to.equal(true);
    expect(hasFinalizer((await removeFinalizer(one.resource, plain(), ours)) ?? held(ours), ours)).to.equal(false);
    expect([one.patches, one.reads]).to.deep.equal([0, 0]);
  });

  for (const [what, at] of [
    ['the first of all', plain()],
    ['one more', held('first.dev/x')],
  ] as const) {
    it(`never erases a finalizer that another controller adds at the same moment (${what}) (trap 28)`, async () => {
      const one = new OneWidget(structuredClone(at));
      one.meanwhile = () => {
        one.meanwhile = () => undefined;
        one.change({ finalizers: [...(one.now?.metadata?.finalizers ?? []), foreign] });
      };
      await addFinalizer(one.resource, at, ours);
      expect(one.now?.metadata?.finalizers?.slice(-2)).to.deep.equal([foreign, ours]);
      expect([one.patches, one.reads]).to.deep.equal([2, 1]);
    });
  }

  it('is removed without touching one that another controller adds or removes at the same time', async () => {
    const one = new OneWidget(held(foreign, ours));
    one.meanwhile = () => {
      one.meanwhile = () => undefined;
      one.change({ finalizers: [ours, 'third.dev/x'] });
    };
    const object = await removeFinalizer(one.resource, held(foreign, ours), ours);
    expect(object?.metadata?.finalizers).to.deep.equal(['third.dev/x']);
    expect(one.now).to.deep.equal(object);
  });

  it('is removed: the last one lets the object be deleted', async () => {
    const deleted = widget('bear', '1', { metadata: { finalizers: [ours], deletionTimestamp: new Date(0) } });
    const one = new OneWidget(deleted);
    expect((await removeFinalizer(one.resource, deleted, ours))?.metadata?.finalizers).to.deep.equal([]);
    expect(one.now).to.equal(undefined);
    expect(await removeFinalizer(one.resource, deleted, ours), 'already gone').to.equal(undefined);
  });

  it('is neither added to nor removed from a new object of the same name', async () => {
    const anew = widget('bear', '9', { metadata: { uid: 'another', finalizers: [ours] } });
    const one = new OneWidget(anew);
    expect(await removeFinalizer(one.resource, held(ours), ours)).to.equal(undefined);
    expect(one.now?.metadata?.finalizers).to.deep.equal([ours]);

    one.now = widget('bear', '9', { metadata: { uid: 'another' } });
    expect(isConflict(await failure(addFinalizer(one.resource, plain(), ours)))).to.equal(true);
    expect(one.now.metadata?.finalizers).to.equal(undefined);
  });

  it('is not added to an object in deletion', async () => {
    const one = new OneWidget(
      widget('bear', '2', { metadata: { deletionTimestamp: new Date(0), finalizers: [foreign] } }),
    );
    const error = await failure(addFinalizer(one.resource, plain(), ours));
    expect(error).to.be.instanceOf(ObjectChanged);
    expect((error as Error).message).to.equal('Widget toys/bear is being deleted');
  });

  it('is left to the next pass after repeated conflicts', async () => {
    const one = new OneWidget(plain());
    one.meanwhile = () => one.change({});
    expect(await failure(addFinalizer(one.resource, plain(), ours))).to.be.instanceOf(ObjectChanged);
    expect(one.patches).to.equal(5);
  });

  it('is not retried after a refusal other than a conflict', async () => {
    const one = new OneWidget(plain());
    const error = refusal(422, 'metadata.finalizers: Invalid value');
    const resource = { ...one.resource, patch: () => Promise.reject(error) };
    expect(await failure(addFinalizer(resource, plain(), ours))).to.equal(error);
    expect(one.reads).to.equal(1);
  });

  it('passes on other errors', async () => {
    const one = new OneWidget(plain());
    one.now = undefined;
    expect(await failure(addFinalizer(one.resource, plain(), ours))).to.have.property('code', 404);
    const young = { ...one.resource, patch: () => Promise.reject(refusal(404, '404 page not found')) };
    expect(await failure(removeFinalizer(young, held(ours), ours)), 'a server without its CRDs').to.have.property(
      'code',
      404,
    );
    const forbidden = { ...one.resource, patch: () => Promise.reject(refusal(403, 'no')) };
    expect(await failure(removeFinalizer(forbidden, held(ours), ours))).to.have.property('code', 403);
  });
});
