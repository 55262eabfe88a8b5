// Tells a user who waits what happens meanwhile: a line each on stderr, after the time since the wait began.
import { humanDuration } from '../lib/human-duration.ts';
import { oneLine } from './safe-text.ts';
import type { Session } from './session.ts';

export interface Wait {
  elapsedMs(): number;
  /** As `45s`. */
  elapsed(): string;
  tell(line: string): void;
}

export function startWait({ clock, stderr }: Pick<Session, 'clock' | 'stderr'>): Wait {
  const start = clock.now().getTime();
  const elapsedMs = () => clock.now().getTime() - start;
  const elapsed = () => humanDuration(elapsedMs());
  return { elapsedMs, elapsed, tell: (line) => void stderr.write(`${elapsed()}\t${oneLine(line)}\n`) };
}
