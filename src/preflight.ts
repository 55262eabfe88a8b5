// What must be so before any dependency is loaded; main.ts imports it first.
import { ignoreDuplicateSigint } from './stop-signals.ts';

/** The one that package.json pins; on older ones dependencies fail to load, with long stacks. */
const oldestNode = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < oldestNode) {
  process.stderr.write(`The operator needs Node ${oldestNode} or newer; this is ${node}.\n`);
  process.exit(1);
}

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

// A container's first process does not hear a signal that it does not listen for, and would be killed when the pod's grace
// period is over. Nothing is begun yet that would have to be ended.
const leave = () => process.exit(0);
for (const signal of stopSignals) process.on(signal, leave);

/** From now on `stop` hears each SIGTERM and SIGINT; before, the process just ended with 0. */
export function onShutdownSignal(stop: (signal: NodeJS.Signals) => void): void {
  const heard = ignoreDuplicateSigint(stop);
  // Added before the other is removed: with the last listener Node drops the signals that are under way.
  for (const signal of stopSignals) process.on(signal, heard).off(signal, leave);
}
