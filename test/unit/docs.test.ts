// The Markdown files: their links lead somewhere, and the files that they name exist.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const exists = (path: string) => existsSync(new URL(path, root));

const pages = globSync('{*.md,{docs,deploy}/**/*.md}', { cwd: root }).sort();

/** Without code blocks, in which a line may begin with `#` and brackets need not be a link. */
function proseOf(page: string): string {
  return read(page).replaceAll(/^```.*?^```$/gms, '');
}

/** As GitHub makes them of headings: lower case, no punctuation, a hyphen for each space. */
function anchorsOf(page: string): string[] {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function linksOf(page: string): string[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** What is wrong with the relative links of a page. */
function brokenLinksOf(page: string): string[] {
  return linksOf(page)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path ? posix.join(posix.dirname(page), path) : page;
      return !exists(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
    });
}

/** The paths of the fields in a field's value, as the reference writes them; a tag is a value. */
function inner(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => inner(`${name}[]`, item)))];
  return typeof value === 'object' && value !== null ? Object.keys(value).map((key) => `${name}.${key}`) : [];
}

describe('the documentation', () => {
  it('has links that lead to a file, and to a heading in it', () => {
    expect(pages).to.include.members(['README.md', 'docs/reference.md']);
    for (const page of pages) expect(brokenLinksOf(page), page).to.deep.equal([]);
  });

  it('can be reached from the README, every page of it', () => {
    const linked = linksOf('README.md').map((target) => target.replace(/#.*/, ''));
    for (const page of pages.filter((page) => page !== 'README.md')) expect(linked).to.include(page);
  });

  it('says in the architecture what each folder of src/ and test/ holds', () => {
    const folders = globSync('{src,test}/*', { cwd: root, withFileTypes: true }).filter((entry) => entry.isDirectory());
    const [, table] = read('docs/architecture.md').split('## Folders');
    for (const { name, parentPath } of folders) expect(table).to.include(`\`${posix.basename(parentPath)}/${name}/\``);
  });

  it('has headings that differ within a page, so that each anchor is one', () => {
    for (const page of pages) expect(new Set(anchorsOf(page)).size, page).to.equal(anchorsOf(page).length);
  });

  // Short enough to be read whole; each section leads to a page.
  it('has a README of at most 180 lines', () => {
    expect(read('README.md').trimEnd().split('\n')).to.have.length.at.most(180);
  });

  it('says in the README, before its first apply, what replicas cost, what is needed, and what is deleted when', () => {
    const [before = ''] = read('README.md').split('kubectl apply -k deploy/samples');
    for (const word of [
      'bill',
      'SKU Premium',
      'Zone redundancy',
      'Private endpoints',
      'Kubernetes 1.25',
      'Your rights',
    ])
      expect(before).to.contain(word);
    expect(before).to.match(/a replica that the object does not list\s+is announced by the event `PruneScheduled`/);
    expect(before).to.contain('`pruneDelay` (10m)');
  });

  it('has an example in the README with every field of the spec', () => {
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(read('README.md')) ?? [];
    const { spec } = parse(example) as RegistryReplication;
    const [, table = ''] = /<!-- generated: spec -->(.*?)<!-- end -->/s.exec(read('docs/reference.md')) ?? [];
    const fields = [...table.matchAll(/^\| `(\S+)` \|/gm)].map(([, path]) => path);
    const given = Object.entries(spec).flatMap(([name, value]) => [name, ...inner(name, value)]);
    // docs/reference.md shows what a source has.
    expect(given).to.have.members(fields.filter((path) => !/^regionsFrom\[\]\.\w+\./.test(path ?? '')));
  });

  it('has no comment after a command, since zsh, as it is on macOS, takes it for arguments', () => {
    const blocks = pages.flatMap((page) =>
      [...read(page).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text),
    );
    const lines = blocks.join('').split('\n');
    expect(lines).to.have.length.above(50);
    expect(lines.filter((line) => /^[^#]*\S\s+#/.test(line))).to.deep.equal([]);
  });

  it('names files and folders that exist', () => {
    for (const page of pages) {
      const code = [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
      const paths = code.filter((text) => /^(src|test|docs|deploy|crds|scripts)\/[\w./-]*$/.test(text));
      expect(
        paths.filter((path) => !exists(path)),
        page,
      ).to.deep.equal([]);
    }
  });

  it('names the events that passes record, and no others', () => {
    const [, table = ''] = /^\| event \|.*\n\|.*\n((?:\|.*\n)+)/m.exec(read('docs/reference.md')) ?? [];
    const documented = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, event]) => event);
    const source = read('src/replication/events.ts');
    for (const event of documented) expect(source).to.contain(`'${event}'`);
    for (const [, event] of source.matchAll(/\breason: '(\w+)'/g)) expect(documented).to.include(event);
  });
});
