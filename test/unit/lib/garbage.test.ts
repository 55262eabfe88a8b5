import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { root } from '../../manifests.ts';

describe('garbage', () => {
  /** Prints whether an object that nothing refers to survives `collectGarbage`. */
  const script = `
    import { collectGarbage } from '${root}/src/lib/garbage.ts';
    const weak = new WeakRef({});
    setImmediate(() => {
      collectGarbage();
      console.log(weak.deref() !== undefined);
    });`;
  const survives = (...flags: string[]) =>
    spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', script], { encoding: 'utf8' }).stdout;

  it('is collected if node has --expose-gc', () => {
    expect(survives('--expose-gc')).to.equal('false\n');
    expect(survives()).to.equal('true\n');
  });
});
