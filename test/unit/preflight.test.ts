import { expect } from 'chai';

const signals = ['SIGTERM', 'SIGINT'] as const;
const listeners = signals.map((signal) => process.listeners(signal));
const { ignoreDuplicateSigint, onShutdownSignal } = await import('../../src/preflight.ts');
const exits = signals.map((signal, n) => process.listeners(signal).filter((one) => !listeners[n]?.includes(one)));
// Mocha must not end with 0 at Ctrl-C.
for (const [n, signal] of signals.entries()) for (const exit of exits[n] ?? []) process.off(signal, exit);

describe('preflight', () => {
  it('ends the process at either signal until a listener is set', () =>
    expect(exits.map((each) => each.length)).to.deep.equal([1, 1]));

  it('replaces that by the listener', () => {
    const received: string[] = [];
    onShutdownSignal((signal) => void received.push(signal));
    const added = signals.flatMap((signal, n) =>
      process.listeners(signal).flatMap((one) => (listeners[n]?.includes(one) ? [] : [{ signal, one }])),
    );
    for (const { signal, one } of added) one(signal);
    for (const { signal, one } of added) process.off(signal, one);
    expect(received).to.deep.equal(['SIGTERM', 'SIGINT']);
  });
});

describe('ignoreDuplicateSigint', () => {
  function receivedOf(signals: readonly [atMs: number, signal: NodeJS.Signals][]): NodeJS.Signals[] {
    const received: NodeJS.Signals[] = [];
    let nowMs = 0;
    const stop = ignoreDuplicateSigint(
      (signal) => void received.push(signal),
      () => nowMs,
    );
    for (const [atMs, signal] of signals) {
      nowMs = atMs;
      stop(signal);
    }
    return received;
  }

  it('drops the SIGINT that npm adds to that of the terminal', () =>
    expect(
      receivedOf([
        [0, 'SIGINT'],
        [20, 'SIGINT'],
      ]),
    ).to.deep.equal(['SIGINT']));

  it('passes on a second Ctrl-C', () =>
    expect(
      receivedOf([
        [0, 'SIGINT'],
        [20, 'SIGINT'],
        [260, 'SIGINT'],
        [280, 'SIGINT'],
      ]),
    ).to.deep.equal(['SIGINT', 'SIGINT']));

  it('passes on every SIGTERM', () =>
    expect(
      receivedOf([
        [0, 'SIGTERM'],
        [1, 'SIGTERM'],
      ]),
    ).to.deep.equal(['SIGTERM', 'SIGTERM']));
});
