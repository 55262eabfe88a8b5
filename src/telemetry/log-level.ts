// More of the log while something is looked into, without a restart that would make the trouble go away.
import type { Logger } from './logger.ts';

/** From the level that was asked for to debug, or back; where debug was asked for, to info, or back. The log says so. */
export function toggleDebug(log: Logger, asked: string): void {
  const other = asked === 'debug' || asked === 'trace' ? 'info' : 'debug';
  const next = log.level === asked ? other : asked;
  // Said whatever the level was, or will be.
  log.level = 'info';
  log.info({}, `The log level is ${next} from now on`);
  log.level = next;
}
