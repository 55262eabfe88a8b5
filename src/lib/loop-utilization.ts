// How busy the event loop is.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Returns a function: the share of the time since its last call, 0 to 1, in which the event loop was not idle. */
export function loopUtilization(): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
