// What the scripts of `npm run generate` share: they write files or, with --check, compare them; and they fill tables of Markdown pages.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/** The text of a file, by its path from the repository's root. */
export function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Writes the files. With --check it writes nothing, and the process exits with 1 if one differs. */
export function writeOrCheck(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    if (!process.argv.includes('--check')) writeFileSync(new URL(path, root), text);
    else if (read(path) !== text) {
      console.error(`${path} is stale: run npm run generate`);
      process.exitCode = 1;
    }
  }
}

/** Replaces what is between `<!-- generated: NAME -->` and `<!-- end -->` by the table of that name. Throws if one has no place. */
export function withTables(page: string, tables: Readonly<Record<string, () => string>>): string {
  return Object.entries(tables).reduce((changed, [name, table]) => {
    const place = new RegExp(`(?<=<!-- generated: ${name} -->\n).*?(?=<!-- end -->)`, 's');
    if (!place.test(changed)) throw new Error(`the page has no place for the table ${name}`);
    return changed.replace(place, () => `${table()}\n`);
  }, page);
}

export function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
