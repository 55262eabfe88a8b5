// Changes the log level at run time, since a restart might make the problem disappear.
import type { Logger } from './logger.ts';

/** Toggles between the configured level and debug; if the configured level is debug, between debug and info. */
export function toggleDebug(log: Logger, asked: string): void {
  const other = asked === 'debug' || asked === 'trace' ? 'info' : 'debug';
  const next = log.level === asked ? other : asked;
  // Logged whatever the old or the new level.
  log.level = 'info';
  log.info({}, `The log level is ${next} from now on`);
  log.level = next;
}
