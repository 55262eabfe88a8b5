// One press of Ctrl-C is one signal, whoever starts the process. It imports nothing: prelude.ts needs it before all else.

/** ms; npm needs some, and a busy machine many. */
const echoLasts = 250;

/**
 * A terminal sends SIGINT to npm and to the script that it runs, and npm passes its own on to the script. `stop` hears the first
 * alone; what comes later was meant. `now`: ms of a clock that never goes back.
 */
export function ignoreDuplicateSigint(
  stop: (signal: NodeJS.Signals) => void,
  now: () => number = () => performance.now(),
): (signal: NodeJS.Signals) => void {
  let interruptedAt = Number.NEGATIVE_INFINITY;
  return (signal) => {
    if (signal === 'SIGINT') {
      if (now() - interruptedAt < echoLasts) return;
      interruptedAt = now();
    }
    stop(signal);
  };
}
