// What the scenarios of `npm run bench` have in common: each measures some figures, and asserts nothing.

export interface Figure {
  /** The row's title: `apply to first PUT, p99`. */
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'MB' | 'times' | 'requests' | '429s' | 'objects' | 'passes' | 'of 1';
  /** The value that the project promises not to exceed. */
  readonly atMost?: number;
}

export interface Bench {
  /** Ends what the scenario starts. */
  readonly ended: AsyncDisposableStack;
  /** Fewer objects and samples, for a try; its figures are no result. */
  readonly isQuick: boolean;
  /** Prints a line that is not a figure, such as progress. */
  readonly note: (line: string) => void;
}

export interface Scenario {
  /** One word, by which the command line selects it. */
  readonly name: string;
  /** What is measured, and how: a sentence or two for the help and for the page. */
  readonly method: string;
  measure(bench: Bench): Promise<readonly Figure[]>;
}
