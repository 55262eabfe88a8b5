// The interface to time: everything that waits or reads the time takes a Clock, so that tests can control it.

export interface Clock {
  now(): Date;
  /** Calls once after `ms`; the returned function cancels. Supports waits beyond the 24.8 days of Node's timers. */
  after(ms: number, call: () => void): () => void;
}

/** Beyond this, Node's timers overflow and fire at once, which would be a tight loop. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, call) {
    let timer: NodeJS.Timeout;
    const wait = (left: number) => {
      const step = Math.min(left, longestTimer);
      timer = setTimeout(() => (left > step ? wait(left - step) : call()), step);
    };
    wait(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/** ISO time to the second, as Kubernetes writes it. */
export function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** ISO time, rounded up so that waits based on it never end early. */
export function nextWholeSecond(ms: number): string {
  return `${new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
}

/**
 * A time for a sentence, such as "14:27 UTC", with the date unless it is today. Cut to the minute, so that nothing happens
 * before the time that is told.
 */
export function timeOfDay(iso: string, now: Date): string {
  const time = new Date(iso).toISOString();
  const isToday = time.slice(0, 10) === now.toISOString().slice(0, 10);
  return `${isToday ? '' : `${time.slice(0, 10)} `}${time.slice(11, 16)} UTC`;
}
