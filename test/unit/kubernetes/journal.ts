// Records entries in order and lets tests wait for one, so that no test polls or sleeps.

export class Journal<T> {
  readonly all: T[] = [];
  #from = 0;
  #awaited: { matches: (entry: T) => boolean; resolve: (entry: T) => void }[] = [];

  readonly push = (entry: T): void => {
    this.all.push(entry);
    this.#settle();
  };

  /** Resolves to the first matching entry after the one returned last. */
  next(matches: (entry: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => {
      this.#awaited.push({ matches, resolve });
      this.#settle();
    });
  }

  #settle(): void {
    for (let first = this.#awaited[0]; first; first = this.#awaited[0]) {
      const { matches, resolve } = first;
      const at = this.all.findIndex((entry, index) => index >= this.#from && matches(entry));
      const entry = this.all[at];
      if (at < 0 || entry === undefined) return;
      this.#from = at + 1;
      this.#awaited.shift();
      resolve(entry);
    }
  }
}

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly sentence: string;
  readonly fields: object;
}

export class LogJournal extends Journal<Line> {
  readonly debug = this.#at('debug');
  readonly info = this.#at('info');
  readonly warn = this.#at('warn');
  readonly error = this.#at('error');

  #at(level: Line['level']) {
    return (fields: object, sentence: string) => this.push({ level, sentence, fields });
  }
}
