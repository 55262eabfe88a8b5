// The reference's table of flags is what --help says.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ConfigHelp } from '../../src/config.ts';
import { configFrom } from '../config-from.ts';

function help(): string {
  try {
    configFrom(['--help'], {});
  } catch (error) {
    if (error instanceof ConfigHelp) return error.message;
    throw error;
  }
  throw new Error('--help printed nothing');
}

/** A row for each flag of --help: its name, its default and its meaning. */
function flagsTable(): string {
  const [, options = ''] = /^Options:\n(.*?)\n\n/ms.exec(help()) ?? [];
  const rows = options
    .split(/\n(?= {2}--)/)
    .map((text) => text.replace(/\s+/g, ' ').trim())
    .filter((text) => text.includes(' (env: ') || text.includes(', env: '))
    .map((text) => {
      const [, flag = '', words = ''] = /^(--[a-z-]+) (?:<\S+>|\[\S+\]) (.*)$/.exec(text) ?? [];
      const [, byDefault = ''] = /\(default: (.*?)(?:, preset: \S+)?(?:, env: \w+)?\)/.exec(words) ?? [];
      const meaning = words.replace(/ \((?:default|env): .*$/, '');
      return `| \`${flag}\` | ${byDefault.replaceAll('"', '') || 'none'} | ${meaning} |`;
    });
  return ['| flag | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

describe("the reference's table of flags", () => {
  it('has every flag of --help, word for word', () => {
    const reference = readFileSync(new URL('../../docs/reference.md', import.meta.url), 'utf8');
    expect(reference).to.contain(flagsTable());
  });
});
