// What the kubelet's probes ask, answered in plain words: is this process worth keeping (live), and does it see the cluster
// (ready)? It reads what the parts tell of themselves and mends nothing. That the event loop turns needs no check: an answer
// at all shows it.

import type { InformerHealth } from '../kubernetes/cache/informer.ts';
import type { Clock } from '../lib/clock.ts';
import type { Checks } from './server.ts';

export interface HealthSources {
  /** Seconds for which the longest pass has been running; 0: none runs. */
  readonly longestPass: () => number;
  /** What the informer tells of itself; as long as it is alive, something in it changes twice a minute. */
  readonly informer: () => InformerHealth;
  readonly clock: Clock;
}

/** ms. A pass has a handful of requests, each given up after 30 s; a watch is renewed, or tried again, every 30 s at most. */
const absurdlyLong = 5 * 60_000;
/** ms. Three times what a living watch may be silent for. */
const tooLongAgo = 90_000;

/** A standby is as live and as ready as a leader. While the API server is away the process is not ready, but live: a restart would not help. */
export function healthChecks({ longestPass, informer, clock }: HealthSources): Checks {
  const now = () => clock.now().getTime();
  let last = { seen: '', since: now() };
  return {
    live: {
      passes() {
        const ms = longestPass() * 1000;
        return ms > absurdlyLong ? `a pass has been running for ${minutes(ms)}` : undefined;
      },
      informer() {
        const seen = lifeSignsOf(informer());
        if (seen !== last.seen) last = { seen, since: now() };
        const still = now() - last.since;
        return still > absurdlyLong ? `watching has stood still for ${minutes(still)}` : undefined;
      },
    },
    ready: {
      caches: () => (informer().synced ? undefined : 'the objects have not been listed yet'),
      apiServer() {
        const { lastContact } = informer();
        if (!lastContact) return 'the API server has not been reached yet';
        const ago = now() - lastContact.getTime();
        return ago > tooLongAgo ? `the API server was last reached ${Math.round(ago / 1000)} s ago` : undefined;
      },
    },
  };
}

/** The same for as long as nothing happens. Errors are left out: whoever threw one may have put anything into it. */
function lifeSignsOf(health: InformerHealth): string {
  return JSON.stringify(health, (name, value) => (name === 'error' ? undefined : value));
}

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min`;
}
