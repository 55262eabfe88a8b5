// Mocha's reporter of this project: one line for each file of tests as it ends, and each failure at once.
import { relative } from 'node:path';
import Mocha from 'mocha';

const { EVENT_HOOK_END, EVENT_RUN_BEGIN, EVENT_RUN_END, EVENT_SUITE_END, EVENT_TEST_END, EVENT_TEST_FAIL } =
  Mocha.Runner.constants;

export default class FileReporter extends Mocha.reporters.Base {
  #file: string | undefined;
  #tests = 0;
  #failures: string[] = [];
  #ms = 0;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on(EVENT_RUN_BEGIN, () => console.log('Running tests; each file has a line here when it has ended.'));
    runner.on(EVENT_TEST_END, (test) => this.#ended(test));
    runner.on(EVENT_HOOK_END, ({ duration = 0 }) => {
      this.#ms += duration;
    });
    runner.on(EVENT_TEST_FAIL, (test) => {
      this.#show(test.file);
      this.#failures.push(test.fullTitle());
    });
    // With --parallel each file has a root suite; without, all files share one.
    runner.on(EVENT_SUITE_END, ({ root }) => root && this.#show(undefined));
    runner.once(EVENT_RUN_END, () => this.epilogue());
  }

  #ended({ file, duration = 0 }: Mocha.Test): void {
    this.#show(file);
    this.#tests++;
    this.#ms += duration;
  }

  /** Prints what is known of the last file, unless it is this one. */
  #show(next: string | undefined): void {
    if (next === this.#file) return;
    if (this.#file !== undefined) {
      const sign = this.#failures.length ? '✖' : '✔';
      const seconds = this.#ms < 1000 ? '' : `, ${Math.round(this.#ms / 1000)} s`;
      console.log(`  ${sign} ${relative('test', this.#file)} (${this.#tests} tests${seconds})`);
      for (const title of this.#failures) console.log(`      failed: ${title}`);
    }
    this.#file = next;
    this.#tests = 0;
    this.#ms = 0;
    this.#failures = [];
  }
}
