import { expect } from 'chai';
import { ignoreDuplicateSigint } from '../../src/stop-signals.ts';

describe('a signal to stop', () => {
  function heardOf(signals: readonly [at: number, signal: NodeJS.Signals][]): NodeJS.Signals[] {
    const heard: NodeJS.Signals[] = [];
    let now = 0;
    const stop = ignoreDuplicateSigint(
      (signal) => void heard.push(signal),
      () => now,
    );
    for (const [at, signal] of signals) {
      now = at;
      stop(signal);
    }
    return heard;
  }

  it('from a terminal is heard once, though npm passes it on', () =>
    expect(
      heardOf([
        [0, 'SIGINT'],
        [20, 'SIGINT'],
      ]),
    ).to.deep.equal(['SIGINT']));

  it('is heard again when the keys are pressed again', () =>
    expect(
      heardOf([
        [0, 'SIGINT'],
        [20, 'SIGINT'],
        [260, 'SIGINT'],
        [280, 'SIGINT'],
      ]),
    ).to.deep.equal(['SIGINT', 'SIGINT']));

  it('that no keys send is heard each time', () =>
    expect(
      heardOf([
        [0, 'SIGTERM'],
        [1, 'SIGTERM'],
      ]),
    ).to.deep.equal(['SIGTERM', 'SIGTERM']));
});
