// Time, passed in: everything that waits or reads the time takes a Clock, so that tests own it.

export interface Clock {
  now(): Date;
  /** Calls once after `ms`; the function returned cancels. Waits longer than Node's timers can (24.8 days) are kept whole. */
  after(ms: number, call: () => void): () => void;
}

/** Node's timers overflow past this and would fire at once: a tight loop. */
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
