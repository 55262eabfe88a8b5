// The tests, flags and manifests that docs/threat-model.md names exist.
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const code = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, words = '']) => words);

describe('the threat model', () => {
  const text = read('docs/threat-model.md');

  it('names an existing test for each promise', () => {
    const [, promises = ''] = /## What is promised\n(.*)## What is not promised/s.exec(text) ?? [];
    const rows = promises.split('\n').filter((line) => line.startsWith('| ') && !/^\| (promise|---)/.test(line));
    expect(rows).to.have.length.above(12);
    for (const row of rows) {
      const tests = code(row.split(' | ').at(-1) ?? '');
      expect(tests, row).not.to.deep.equal([]);
      for (const test of tests) expect(existsSync(new URL(test, root)), test).to.equal(true);
    }
  });

  it('names only existing flags and folders', () => {
    const help = read('src/options.ts') + read('Dockerfile');
    for (const [flag] of code(text).flatMap((words) => [...words.matchAll(/^--[a-z-]+/g)]))
      expect(help, flag).to.contain(flag);
    for (const path of code(text).filter((words) => words.startsWith('deploy/')))
      expect(existsSync(new URL(path, root)), path).to.equal(true);
  });

  it('is linked from the README and from SECURITY.md', () => {
    expect(read('README.md')).to.contain('(docs/threat-model.md)').and.to.contain('(SECURITY.md)');
    expect(read('SECURITY.md')).to.contain('(docs/threat-model.md)');
  });
});
