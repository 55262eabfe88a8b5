import { globSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** The files that docs/known-pitfalls.md names, by trap. */
function listed(): Map<number, string[]> {
  const rows = read('docs/known-pitfalls.md').matchAll(/^\| (\d+) \| .* \| (.*) \|$/gm);
  return new Map([...rows].map(([, number, files = '']) => [Number(number), files.split(', ').map(unquoted).sort()]));
}

function unquoted(code: string): string {
  return code.replaceAll('`', '');
}

/** The source and test files that name a trap, by trap. */
function named(): Map<number, string[]> {
  const files = globSync('{src,test}/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('known-pitfalls.test.ts'),
  );
  const mentions = files.flatMap((file) => numbersIn(read(file)).map((number) => ({ number, file })));
  const byNumber = Map.groupBy(mentions, ({ number }) => number);
  return new Map([...byNumber].map(([number, group]) => [number, [...new Set(group.map(({ file }) => file))].sort()]));
}

function numbersIn(text: string): number[] {
  const mentions = [...text.matchAll(/\btraps? (\d+(?:(?:, | and )\d+)*)/gi)];
  return mentions.flatMap(([, numbers = '']) => (numbers.match(/\d+/g) ?? []).map(Number));
}

describe('the list of traps', () => {
  it('has the numbers 1 to 37, each once', () => {
    expect([...listed().keys()]).to.deep.equal(Array.from({ length: 37 }, (_, n) => n + 1));
    expect(read('docs/known-pitfalls.md').match(/^\| \d+ \|/gm)).to.have.length(37);
  });

  it('names for each trap exactly the files that mention it', () => {
    const byNumber = (map: Map<number, string[]>) => Object.fromEntries([...map].sort(([a], [b]) => a - b));
    expect(byNumber(named())).to.deep.equal(byNumber(listed()));
  });
});
