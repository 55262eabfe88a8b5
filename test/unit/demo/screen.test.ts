import { expect } from 'chai';
import { liveScreen, plainScreen, screenFor } from '../../demo/screen.ts';
import { FakeClock } from '../../fake-clock.ts';
import { region, view } from './objects.ts';

const syncing = view({ regions: [region({ state: 'Syncing' })] });

function sink(more: object = {}) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { write, columns: 80, rows: 24, ...more } };
}

describe('the plain screen', () => {
  it('writes a line per change, with the seconds since the start and without escape sequences', async () => {
    const clock = new FakeClock();
    const { written, stream } = sink();
    const screen = plainScreen(stream.write, clock);
    await clock.advance(1_500);
    screen.show([syncing]);
    screen.show([syncing]);
    screen.say('Bye.');
    expect(written.map((line) => line.replace(/ +/g, ' '))).to.deep.equal([
      ' 1.5s registries/myacr0007 Syncing 0/1 regions of myACR0007 ready\n',
      ' 1.5s japaneast Syncing\n',
      'Bye.\n',
    ]);
    expect(written.join('')).not.to.include('\x1b');
  });

  it('writes a line per node that comes or goes', () => {
    const { written, stream } = sink();
    const screen = plainScreen(stream.write, new FakeClock());
    screen.showNodes([{ name: 'web-1', region: 'japaneast' }]);
    screen.showNodes([]);
    expect(written.map((line) => line.replace(/ +/g, ' '))).to.deep.equal([
      ' 0.0s node web-1 is in japaneast\n',
      ' 0.0s node web-1 is gone\n',
    ]);
  });

  for (const [why, isTTY, env] of [
    ['there is no terminal', false, {}],
    ['NO_COLOR is set', true, { NO_COLOR: '1' }],
    ['the terminal is dumb', true, { TERM: 'dumb' }],
  ] as const) {
    it(`is used if ${why}`, () => {
      const { written, stream } = sink({ isTTY });
      screenFor(stream as never, env, new FakeClock()).show([syncing]);
      expect(written.join('')).to.include('Syncing').and.not.to.include('\x1b');
    });
  }
});

describe('the live screen', () => {
  it('redraws its own lines only', () => {
    const { written, stream } = sink();
    const screen = liveScreen(stream, new FakeClock());
    screen.show([syncing]);
    screen.say('Words that stay.');
    screen.close();
    const [first = '', second = ''] = written;
    const drawn = first.split('\n').length - 1;
    expect(first.startsWith('\r\x1b[J')).to.equal(true);
    expect(second.startsWith(`\x1b[${drawn}A\r\x1b[JWords that stay.\n`)).to.equal(true);
  });

  it('redraws each second until it is closed', async () => {
    const clock = new FakeClock();
    const { written, stream } = sink();
    const screen = liveScreen(stream, clock);
    screen.show([syncing]);
    await clock.advance(2_000);
    expect(written).to.have.length(3);
    screen.close();
    await clock.advance(2_000);
    screen.say('Last words.');
    expect(written.slice(3)).to.deep.equal(['Last words.\n']);
  });
});
