import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { root } from '../../manifests.ts';

describe('garbage', () => {
  /** Whether an object that nothing refers to is still there after it was collected. */
  const script = `
    import { collectGarbage } from '${root}/src/lib/garbage.ts';
    const weak = new WeakRef({});
    setImmediate(() => {
      collectGarbage();
      console.log(weak.deref() !== undefined);
    });`;
  const isLeft = (...flags: string[]) =>
    spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', script], { encoding: 'utf8' }).stdout;

  it('is collected if node lets it be collected', () => {
    expect(isLeft('--expose-gc')).to.equal('false\n');
    expect(isLeft()).to.equal('true\n');
  });
});
