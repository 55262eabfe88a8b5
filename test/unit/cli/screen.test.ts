import { expect } from 'chai';
import { createTable } from '../../../src/cli/output.ts';
import { createScreen } from '../../../src/cli/screen.ts';

/** A terminal that keeps what it shows; it understands what the screen writes, and no more. */
function aTerminal(rows: number) {
  let lines: string[] = [];
  return {
    isTTY: true,
    rows,
    get shown() {
      return lines;
    },
    write(text: string) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own sequences
      const match = /^(?:\x1b\[(\d+)A)?\r\x1b\[0J([\s\S]*)$/.exec(text);
      if (!match) throw new Error(`cannot show ${JSON.stringify(text)}`);
      const up = Number(match[1] ?? 0);
      expect(up, 'the cursor does not leave the terminal').to.be.lessThan(rows);
      lines = [...lines.slice(0, lines.length - up), ...(match[2] ?? '').split('\n').slice(0, -1)];
      return true;
    },
  };
}

describe('a screen', () => {
  it('shows the newest lines in place of those before', () => {
    const terminal = aTerminal(24);
    const screen = createScreen(terminal);
    screen.draw(['one', 'two', 'three']);
    screen.draw(['four', 'five']);
    expect(terminal.shown).to.deep.equal(['four', 'five']);
  });

  it('says how many lines do not fit', () => {
    const terminal = aTerminal(4);
    const screen = createScreen(terminal);
    for (const lines of [['1', '2', '3', '4', '5'], ['a', 'b', 'c', 'd'], ['x']]) screen.draw(lines);
    expect(terminal.shown).to.deep.equal(['x']);
    screen.draw(['1', '2', '3', '4', '5']);
    expect(terminal.shown).to.deep.equal(['1', '2', '… and 3 more lines']);
  });
});

describe('a table', () => {
  const columns = [
    { heading: 'NAME', cell: ({ name }: { name: string }) => name },
    { heading: 'NOTE', cell: () => 'a note' },
  ];
  const session = { stdout: { write: () => true } };

  it('has its heading once, and columns that do not become narrower', () => {
    const table = createTable(columns, session);
    expect(table.lines([{ name: 'longest' }])).to.deep.equal(['NAME      NOTE', 'longest   a note']);
    expect(table.lines([{ name: 'x' }])).to.deep.equal(['x         a note']);
  });

  it('has no line that is longer than asked, and no control character', () => {
    const lines = createTable(columns, session, 12).lines([{ name: 'x\u001b[2J\n\u202ey' }]);
    expect(lines).to.deep.equal(['NAME      NO', 'x [2J y   a ']);
  });
});
