// Simulates the time of this process: dates, timers and performance.now() stand still until `advance`. Time passes only while no request
// is in flight, so that days of the operator's idle life take minutes, over real sockets.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { FakeClock, settled } from '../fake-clock.ts';

/** The clock of another process, which follows. */
export interface FollowingClock {
  /** Resolves to the ms until its next timer is due; undefined if there is none. */
  advance(ms: number): Promise<number | undefined>;
}

export interface SimulatedTime {
  advance(ms: number): Promise<void>;
}

/** The following clock is at most so far behind; it is exact when one of its own timers is due. */
const maxLagMs = 20_000;
/** Turns of the event loop after a response, in which a pass has begun its next request. */
const quietTurns = 3;
/** Real time after which a request counts as hanging. */
const maxRequestMs = 60_000;

/**
 * Replaces the globals of this process, so call it before the modules whose time is simulated are loaded. Timers inside of Node are not
 * affected, such as those of idle sockets.
 */
export function simulateTime(start: string, follower: FollowingClock): SimulatedTime {
  const clock = new FakeClock(start);
  const quiet = trackRequests();
  replaceGlobals(clock);
  let behindMs = 0;
  let followerDueInMs: number | undefined;

  async function follow(): Promise<void> {
    followerDueInMs = await follower.advance(behindMs);
    behindMs = 0;
    await settled(); // One more turn of the event loop, which reads what the other process has sent.
    await quiet();
  }
  return {
    async advance(ms) {
      const end = clock.monotonic() + ms;
      await follow();
      while (clock.monotonic() < end) {
        const toFollowerMs = Math.max(0, Math.min(maxLagMs, followerDueInMs ?? Number.POSITIVE_INFINITY) - behindMs);
        const stepMs = Math.min(end - clock.monotonic(), toFollowerMs, clock.nextIn ?? Number.POSITIVE_INFINITY);
        behindMs += stepMs;
        if (stepMs === toFollowerMs) await follow();
        await clock.advance(stepMs);
        await quiet();
      }
      await follow();
    },
  };
}

function replaceGlobals(clock: FakeClock): void {
  const start = clock.monotonic();
  const RealDate = Date;
  const now = () => clock.now().getTime();
  const construct: ProxyHandler<DateConstructor>['construct'] = (target, args, newTarget) =>
    Reflect.construct(target, args.length ? args : [now()], newTarget);
  const get: ProxyHandler<DateConstructor>['get'] = (target, name) =>
    name === 'now' ? now : Reflect.get(target, name, target);
  const timer = (call: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
    new SimulatedTimer(clock, ms, () => call(...args));
  const interval = (call: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) => {
    const repeated = new SimulatedTimer(clock, ms, () => {
      repeated.refresh();
      call(...args);
    });
    return repeated;
  };
  const clear = (one: unknown) => void (one instanceof SimulatedTimer && one.close());
  Object.assign(globalThis, {
    Date: new Proxy(RealDate, { construct, get }),
    setTimeout: timer,
    setInterval: interval,
    clearTimeout: clear,
    clearInterval: clear,
  });
  Object.defineProperty(performance, 'now', { value: () => clock.monotonic() - start });
  // All of the real time is work.
  const eventLoopUtilization = () => ({ idle: 1, active: 0, utilization: 0 });
  Object.defineProperty(performance, 'eventLoopUtilization', { value: eventLoopUtilization });
}

/** As far as users of node's Timeout need it. */
class SimulatedTimer {
  readonly #clock: FakeClock;
  readonly #ms: number;
  readonly #call: () => void;
  #cancel: () => void = () => undefined;

  constructor(clock: FakeClock, ms: number, call: () => void) {
    this.#clock = clock;
    this.#ms = Math.max(1, ms);
    // As with Node's timers, the callback runs in the context in which the timer was set.
    this.#call = AsyncLocalStorage.bind(call);
    this.refresh();
  }

  refresh(): this {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#ms, this.#call);
    return this;
  }

  close(): void {
    this.#cancel();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Resolves when no request is in flight and no promise is left that can settle without one. A watch counts until it is open. */
function trackRequests(): () => Promise<void> {
  const open = new Set<object>();
  let onIdle = () => {};
  const end = (request: object) => {
    open.delete(request);
    if (open.size === 0) onIdle();
  };
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: import('node:http').ClientRequest };
    open.add(request);
    request.once('close', () => end(request));
  });
  const requestOf = (message: unknown) => (message as { request: { path: string } }).request;
  subscribe('undici:request:create', (message) => void open.add(requestOf(message)));
  subscribe('undici:request:headers', (message) => {
    const request = requestOf(message);
    if (request.path.includes('watch=true')) end(request);
  });
  for (const channel of ['undici:request:trailers', 'undici:request:error'])
    subscribe(channel, (message) => end(requestOf(message)));

  const { setTimeout: wait, clearTimeout: cancel } = globalThis;
  const idle = () =>
    new Promise<void>((resolve, reject) => {
      const hangs = () => reject(new Error(`no answer within ${maxRequestMs / 1_000} s of real time`));
      const timer = wait(hangs, maxRequestMs);
      onIdle = () => {
        cancel(timer);
        resolve();
      };
    });
  return async () => {
    await settled();
    while (open.size > 0) {
      await idle();
      for (let turns = 0; turns < quietTurns; turns++) await settled();
    }
  };
}
