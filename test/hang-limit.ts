// How long a test waits for what must come. A wait ends when it comes: only a hang, not a busy machine, takes that long.
// Mocha's own limit (.mocharc.json) is longer, so that a wait can say what did not come.
export const hangLimitMs = 300_000;

/** The same as a flag of kubectl. */
export const kubectlTimeout = `--timeout=${hangLimitMs / 1000}s`;
