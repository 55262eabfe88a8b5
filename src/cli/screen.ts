// Draws lines over those drawn before, so that a terminal shows the newest state in place.
import type { Output } from './session.ts';

export interface Screen {
  draw(lines: readonly string[]): void;
}

const eraseBelow = '\x1b[0J';

/** For lines that are no longer than the terminal is wide: a longer one would take two. */
export function createScreen(output: Output): Screen {
  let drawn = 0;
  return {
    draw(lines) {
      const up = drawn > 0 ? `\x1b[${drawn}A` : '';
      const shown = fitting(lines, output.rows || undefined);
      output.write(`${up}\r${eraseBelow}${shown.map((line) => `${line}\n`).join('')}`);
      drawn = shown.length;
    },
  };
}

/** The cursor cannot go up beyond the first row of the terminal; it stands below the last line. */
function fitting(lines: readonly string[], rows = Number.POSITIVE_INFINITY): readonly string[] {
  const max = Math.max(2, rows - 1);
  if (lines.length <= max) return lines;
  return [...lines.slice(0, max - 1), `… and ${lines.length - max + 1} more lines`];
}
