import { expect } from 'chai';
import fc from 'fast-check';
import { Store, withReadYourWrites } from '../../../../src/kubernetes/cache/store.ts';
import { propertyRuns } from '../../../property-runs.ts';
import { type Widget, widget } from '../widget.ts';

const key = 'toys/bear';
const bear = (version: string, uid = 'uid-bear') => widget('bear', version, { metadata: { uid } });

describe('the store', () => {
  let store: Store<Widget>;
  const read = () => store.read(key)?.metadata?.resourceVersion;
  const write = (version: string) => store.write(key, async () => bear(version));
  /** A write whose response the test provides. */
  function begin() {
    const { promise, resolve, reject } = Promise.withResolvers<Widget>();
    const written = store.write(key, () => promise);
    return {
      answer: (version: string) => {
        resolve(bear(version));
        return written;
      },
      fail: (error: Error) => {
        reject(error);
        return written;
      },
    };
  }
  beforeEach(() => {
    store = new Store();
    store.onObserved(bear('1'));
  });

  it('returns what the informer has seen, and gives it the previous version', () => {
    expect(store.onObserved(bear('2'))?.metadata?.resourceVersion).to.equal('1');
    expect(read()).to.equal('2');
    expect(store.size).to.equal(1);
  });

  it('returns our own write until the informer has seen it, and later versions afterwards', async () => {
    await write('3');
    expect(read()).to.equal('3');
    expect(store.list().map((w) => w.metadata?.resourceVersion)).to.deep.equal(['3']);
    store.onObserved(bear('2')); // another client's, before ours
    expect(read()).to.equal('3');
    store.onObserved(bear('3'));
    store.onObserved(bear('4'));
    expect(read()).to.equal('4');
  });

  it('handles an event that arrives before the response to the write', async () => {
    const ours = begin();
    store.onObserved(bear('2'));
    store.onObserved(bear('3'));
    await ours.answer('2');
    expect(read()).to.equal('3');
  });

  it('returns the last of several writes in a row', async () => {
    await write('2');
    await write('3');
    store.onObserved(bear('2'));
    expect(read()).to.equal('3');
    store.onObserved(bear('3'));
    store.onObserved(bear('4'));
    expect(read()).to.equal('4');
  });

  it('handles a write that changes nothing', async () => {
    await write('1');
    store.onObserved(bear('2'));
    expect(read()).to.equal('2');
    await write('4');
    await write('4');
    store.onObserved(bear('3'));
    expect(read()).to.equal('4');
  });

  it('keeps the previous write when a further one fails', async () => {
    await write('2');
    const failed = begin()
      .fail(new Error('no'))
      .catch((error: Error) => error.message);
    expect(await failed).to.equal('no');
    expect(read()).to.equal('2');
  });

  it('drops a deleted object, and does not restore it from the response to a write', async () => {
    const ours = begin();
    store.onDeleted(key);
    await ours.answer('2');
    expect(read()).to.equal(undefined);
    await write('3');
    expect(read()).to.equal(undefined);
  });

  it('tells an object from its successor of the same name', async () => {
    await write('2');
    store.onObserved(bear('9', 'another'));
    expect(read()).to.equal('9');
    const ours = begin();
    store.onDeleted(key);
    store.onObserved(bear('12', 'a third'));
    await ours.answer('10');
    expect(read()).to.equal('12');
  });

  it('accepts a list that may be newer than our write', async () => {
    await write('2');
    store.onRelist('toys');
    store.onObserved(bear('7'));
    expect(read()).to.equal('7');
    const ours = begin();
    store.onRelist();
    store.onObserved(bear('12'));
    await ours.answer('9');
    expect(read()).to.equal('12');
  });

  it('ignores a list that is older than our write, or of another namespace', async () => {
    await write('2');
    store.onRelist('other');
    store.onObserved(bear('1b'));
    store.onRelist('toys');
    store.onObserved(bear('1b'));
    expect(read()).to.equal('2');
  });

  it('records the writes of a resource', async () => {
    const inner = {
      kind: { group: 'example.dev', version: 'v1', plural: 'widgets' },
      path: () => '',
      list: async () => ({ items: [] }),
      get: async () => bear('1'),
      replaceStatus: async () => bear('2'),
      patch: async () => bear('3'),
    };
    const resource = withReadYourWrites<Widget>(inner, store);
    await resource.replaceStatus(bear('1'));
    expect(read()).to.equal('2');
    await resource.patch({ namespace: 'toys', name: 'bear' }, []);
    expect(read()).to.equal('3');
  });

  it('never returns an object older than our last write, and ends with the newest, however late and reordered the events', async () => {
    const step = fc.constantFrom('write', 'answer', 'foreign', 'show');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = new Store<Widget>();
        const versions = [1]; // the API server's, in order
        let shown = 1;
        let lastWritten = 1;
        let underway: { version: number; answer: () => Promise<unknown> } | undefined;
        store.onObserved(bear('1'));
        const show = () => shown < versions.length && store.onObserved(bear(String(versions[shown++])));
        const answer = async () => {
          await underway?.answer();
          lastWritten = underway?.version ?? lastWritten;
          underway = undefined;
        };
        for (const step of steps) {
          const next = versions.length + 1;
          if (step === 'foreign') versions.push(next);
          if (step === 'show') show();
          if (step === 'write' && !underway) {
            const { promise, resolve } = Promise.withResolvers<Widget>();
            const written = store.write(key, () => promise);
            versions.push(next);
            underway = {
              version: next,
              answer: () => {
                resolve(bear(String(next)));
                return written;
              },
            };
          }
          if (step === 'answer') await answer();
          const read = Number(store.read(key)?.metadata?.resourceVersion);
          expect(read).to.be.at.least(Math.max(lastWritten, versions[shown - 1] ?? 0));
        }
        await answer();
        while (shown < versions.length) show();
        expect(Number(store.read(key)?.metadata?.resourceVersion)).to.equal(versions.at(-1));
      }),
      propertyRuns(500),
    );
  });
});
