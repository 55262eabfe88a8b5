// The demo's output: a table that is redrawn at the end of a terminal, or plain lines elsewhere.
import type { WriteStream } from 'node:tty';
import type { Clock } from '../../src/lib/clock.ts';
import { changesBetween, nodeChangesBetween } from './changes.ts';
import { tableOf } from './table.ts';
import type { NodeView, View } from './view.ts';

export interface Screen {
  /** Prints text that stays. */
  say(text: string): void;
  /** Shows the current objects. */
  show(views: readonly View[]): void;
  /** Shows the current nodes, above the objects. */
  showNodes(nodes: readonly NodeView[]): void;
  /** Stops redrawing; what is shown stays. */
  close(): void;
}

/** A table needs escape sequences, which only terminals understand and which NO_COLOR (no-color.org) turns off. */
export function screenFor(
  stream: WriteStream,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Screen {
  const isTerminal = stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
  return isTerminal ? liveScreen(stream, clock) : plainScreen((text) => stream.write(text), clock);
}

/** Prints a line per change, with the seconds since the start. */
export function plainScreen(write: (text: string) => void, clock: Clock): Screen {
  const started = clock.now().getTime();
  let shown: readonly View[] = [];
  let shownNodes: readonly NodeView[] = [];
  const print = (changes: readonly string[]) => {
    const elapsed = `${((clock.now().getTime() - started) / 1000).toFixed(1).padStart(6)}s`;
    for (const change of changes) write(`${elapsed}  ${change}\n`);
  };
  return {
    say: (text) => write(`${text}\n`),
    show(views) {
      print(changesBetween(shown, views));
      shown = views;
    },
    showNodes(nodes) {
      print(nodeChangesBetween(shownNodes, nodes));
      shownNodes = nodes;
    },
    close: () => undefined,
  };
}

const eraseBelow = '\r\x1b[J';
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';

/** Redraws a table at every change, and every second, since it shows ages. */
export function liveScreen(stream: Pick<WriteStream, 'write' | 'columns' | 'rows'>, clock: Clock): Screen {
  let views: readonly View[] = [];
  let nodes: readonly NodeView[] = [];
  let drawn = 0;
  let isOpen = true;
  let cancel = () => {};

  const draw = (above = '') => {
    const { columns = 80, rows = 24 } = stream;
    // One line fewer than the terminal has, since the cursor is below the last one.
    const table = tableOf(views, clock.now().getTime(), { columns, rows: Math.max(1, rows - 1) }, nodes);
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    // One write per frame avoids flicker; wrapping is off in case the terminal counts a line as wider.
    stream.write(`${up}${eraseBelow}${above}${wrapOff}${table.map((line) => `${line}\n`).join('')}${wrapOn}`);
    drawn = table.length;
    cancel();
    cancel = clock.after(1_000, draw);
  };

  return {
    say(text) {
      if (isOpen) draw(`${text}\n`);
      else stream.write(`${text}\n`);
    },
    show(now) {
      views = now;
      if (isOpen) draw();
    },
    showNodes(now) {
      nodes = now;
      if (isOpen) draw();
    },
    close() {
      isOpen = false;
      cancel();
    },
  };
}
