// Checks the version of Node and handles signals before any dependency is loaded; main.ts imports it first. It imports nothing
// and uses only what old versions of Node know.

/** The version that package.json pins. With an older one, dependencies fail to load with long stacks. */
const minNodeVersion = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < minNodeVersion) {
  process.stderr.write(`The operator needs Node ${minNodeVersion} or newer; this is ${node}.\n`);
  process.exit(1);
}

const shutdownSignals = ['SIGTERM', 'SIGINT'] as const;

// The first process of a container ignores a signal without a listener, and is killed only at the end of the pod's grace period.
// Nothing has been started yet, so the process may exit at once.
const exit = () => process.exit(0);
for (const signal of shutdownSignals) process.on(signal, exit);

/** Calls `stop` for each SIGTERM and SIGINT from now on. Until the first call, either signal ends the process with 0. */
export function onShutdownSignal(stop: (signal: NodeJS.Signals) => void): void {
  const listener = ignoreDuplicateSigint(stop);
  // Added before the other is removed: without any listener, Node drops the signals that are pending.
  for (const signal of shutdownSignals) process.on(signal, listener).off(signal, exit);
}

/** npm passes SIGINT on after a few ms, on a busy machine after many. */
const duplicateWindowMs = 250;

/**
 * Drops the second SIGINT of one Ctrl-C: the terminal sends SIGINT to npm and to the script that npm runs, and npm sends its own
 * to the script as well.
 *
 * @param nowMs A monotonic clock.
 */
export function ignoreDuplicateSigint(
  stop: (signal: NodeJS.Signals) => void,
  nowMs: () => number = () => performance.now(),
): (signal: NodeJS.Signals) => void {
  let interruptedAtMs = Number.NEGATIVE_INFINITY;
  return (signal) => {
    if (signal === 'SIGINT') {
      if (nowMs() - interruptedAtMs < duplicateWindowMs) return;
      interruptedAtMs = nowMs();
    }
    stop(signal);
  };
}
