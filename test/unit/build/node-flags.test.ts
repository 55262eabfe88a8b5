// The flags with which the image and `npm start` run Node.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { root } from '../../manifests.ts';

const read = (file: string) => readFileSync(`${root}/${file}`, 'utf8');
const [, entrypoint = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
const commands: Record<string, readonly string[]> = {
  'the image': JSON.parse(entrypoint),
  'npm start': JSON.parse(read('package.json')).scripts.start.split(' '),
};

describe('Node, as the image runs it', () => {
  it('lets the operator collect garbage', () => {
    expect(commands['the image']).to.include('--expose-gc');
  });
});

for (const [what, words] of Object.entries(commands))
  describe(`Node, as ${what} runs it`, () => {
    const flags = words.filter((word) => word.startsWith('--'));

    it('opens no inspector on SIGUSR1', () => {
      expect(flags).to.include('--disable-sigusr1');
    });

    it('accepts its flags', () => {
      const known = execFileSync(process.execPath, [...flags, '--print', 'process.execArgv.join()'], {
        encoding: 'utf8',
      });
      expect(known.trim()).to.contain(flags.join());
    });
  });
