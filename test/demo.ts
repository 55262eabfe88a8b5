// `npm run demo`: runs an emulated Azure, a cluster and the operator for people to watch. This file handles flags, signals and
// exit codes, and ends everything that was started.

import { explain } from '../src/kubernetes/client/errors.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { onShutdownSignal } from '../src/preflight.ts';
import { readFlags } from './demo/flags.ts';
import { runDemo } from './demo/run-demo.ts';
import { screenFor } from './demo/screen.ts';
import { printable } from './demo/view.ts';

// npm runs scripts in the project's directory; paths are relative to the user's.
const flags = readFlags(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
const screen = screenFor(process.stdout, process.env, clock);
const stop = new AbortController();
const onSignal = () => {
  if (stop.signal.aborted) process.exit(130);
  stop.abort();
};
onShutdownSignal(onSignal);
process.on('SIGHUP', onSignal);
// The reader of the output has gone (`| head`).
process.stdout.on('error', () => stop.abort());

process.exit(await run());

/** Resolves to the exit code when everything has ended. */
async function run(): Promise<number> {
  try {
    await using started = new AsyncDisposableStack();
    started.defer(() => screen.close());
    await runDemo(flags, { screen, clock, started, stopped: stop.signal });
    return 0;
  } catch (error) {
    if (error === stop.signal.reason) return 0;
    screen.say(printable(explain(error)));
    return 1;
  }
}
