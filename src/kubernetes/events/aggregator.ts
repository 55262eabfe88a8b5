// Which occurrences are one series, and which series has something to tell the API server now: what keeps a flapping
// condition from flooding it. Pure: it is told the time, sends nothing, and its memory is bounded.
import type { EventsV1Event } from '@kubernetes/client-node';

/**
 * - `Waiting`: to be written when its turn comes; until then it grows.
 * - `Sending`: being written.
 * - `Cooling`: written, or refused, lately; what happens meanwhile is written in one go afterwards.
 * - `Quiet`: nothing is left to write; the next occurrence is, at once.
 * - `Over`: forgotten.
 */
export type State =
  | { readonly is: 'Waiting' | 'Sending' | 'Quiet' | 'Over' }
  | { readonly is: 'Cooling'; readonly until: number };

/** An event and its repetitions: one line of `kubectl describe`, `x3 over 5m`. */
export interface Series {
  /** As it first occurred. */
  readonly event: EventsV1Event;
  /** Occurrences so far, and the time of the last one in ms. */
  readonly count: number;
  readonly lastObserved: number;
  /** Occurrences that the API server knows of; 0: it has no such event. */
  readonly told: number;
  readonly state: State;
}

export interface SeriesRules {
  /** ms without an occurrence after which a series is over: the next one begins another. */
  readonly window: number;
  /** ms from one write of a series to the next, but for the one that follows its creation. */
  readonly interval: number;
  /** How many series are open at a time; beyond it, the one that has been quiet for longest is forgotten. */
  readonly capacity: number;
}

type Open = { -readonly [Property in keyof Series]: Series[Property] } & {
  readonly key: string;
  /** Occurrences at the last write, whether it succeeded or was refused. */
  tried: number;
};

/** Series are written one at a time: `next`, then `written` or `refused`. */
export class EventAggregator {
  readonly #rules: SeriesRules;
  /** In the order of their last occurrence. */
  readonly #open = new Map<string, Open>();
  readonly #waiting = new Set<Open>();
  #sending: Open | undefined;
  /** In the order in which they will have cooled. */
  readonly #cooling = new Set<Open>();
  #isHurried = false;

  constructor(rules: SeriesRules) {
    this.#rules = rules;
  }

  /** How many series are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Counts an occurrence into the open series of this key; false where there is none. */
  repeat(key: string, now: number): boolean {
    this.#coolDown(now);
    for (const oldest of this.#open.values()) {
      if (!this.#isFinished(oldest, now)) break;
      this.#end(oldest);
    }
    const series = this.#open.get(key);
    if (!series) return false;
    this.#open.delete(key);
    if (this.#isFinished(series, now)) return false;
    this.#open.set(key, series);
    series.count++;
    series.lastObserved = now;
    if (series.state.is === 'Quiet') this.#await(series);
    return true;
  }

  /** Opens a series with its first occurrence. Returns how many occurrences were forgotten untold to make room. */
  open(key: string, event: EventsV1Event, now: number): number {
    const series: Open = { key, event, count: 1, lastObserved: now, told: 0, tried: 0, state: { is: 'Quiet' } };
    this.#open.set(key, series);
    this.#await(series);
    const [oldest] = this.#open.values();
    return oldest && this.#open.size > this.#rules.capacity ? this.#end(oldest) : 0;
  }

  /** The next series to write. */
  next(now: number): Series | undefined {
    this.#coolDown(now);
    const [series] = this.#waiting;
    if (!series) return undefined;
    this.#waiting.delete(series);
    series.state = { is: 'Sending' };
    this.#sending = series;
    return series;
  }

  /** When the first of the cooling series will have cooled, in ms of the clock; undefined when there is none. */
  get nextAt(): number | undefined {
    const [series] = this.#cooling;
    return series?.state.is === 'Cooling' ? series.state.until : undefined;
  }

  /** The API server knows of `count` occurrences of the series being sent. */
  written(count: number, now: number): void {
    const series = this.#sending;
    if (!series) return; // it was forgotten meanwhile
    series.told = count;
    series.tried = count;
    this.#sending = undefined;
    if (count > 1) this.#cool(series, now);
    else this.#cooled(series); // whoever sees a second one wants to know that it repeats
  }

  /** The series being sent cannot be written: not tried again before it occurs again, nor before the interval has passed. */
  refused(now: number): void {
    const series = this.#sending;
    if (!series) return;
    series.tried = series.count;
    this.#sending = undefined;
    this.#cool(series, now);
  }

  /** Until `close`, nothing cools: whatever is left to tell may be written now. */
  hurry(): void {
    this.#isHurried = true;
    for (const series of this.#cooling) this.#cooled(series);
  }

  /** Forgets every series. Returns how many of their occurrences were never told. */
  close(): number {
    this.#isHurried = false;
    return [...this.#open.values()].reduce((untold, series) => untold + this.#end(series), 0);
  }

  #await(series: Open): void {
    series.state = { is: 'Waiting' };
    this.#waiting.add(series);
  }

  #cool(series: Open, now: number): void {
    series.state = { is: 'Cooling', until: now + this.#rules.interval };
    this.#cooling.add(series);
    if (this.#isHurried) this.#cooled(series);
  }

  #coolDown(now: number): void {
    for (const series of this.#cooling) {
      if (series.state.is === 'Cooling' && series.state.until > now) break;
      this.#cooled(series);
    }
  }

  #cooled(series: Open): void {
    this.#cooling.delete(series);
    if (series.count > series.tried) this.#await(series);
    else series.state = { is: 'Quiet' };
  }

  #isFinished({ state, lastObserved }: Series, now: number): boolean {
    return state.is === 'Quiet' && now - lastObserved > this.#rules.window;
  }

  #end(series: Open): number {
    series.state = { is: 'Over' };
    this.#open.delete(series.key);
    this.#waiting.delete(series);
    this.#cooling.delete(series);
    if (this.#sending === series) this.#sending = undefined;
    return series.count - series.told;
  }
}
