// The checks behind the kubelet's probes: is the process worth keeping (live), and does it see the cluster (ready)? The event
// loop needs no check: a response at all shows that it turns.

import type { InformerHealth } from '../kubernetes/cache/informer.ts';
import type { Clock } from '../lib/clock.ts';
import type { Checks } from './server.ts';

export interface HealthSources {
  /** Seconds for which the longest pass has been running; 0: none runs. */
  readonly longestPass: () => number;
  /** The informer's state; while it is alive, it changes at least twice a minute. */
  readonly informer: () => InformerHealth;
  readonly clock: Clock;
}

/** ms. A pass has a handful of requests with a timeout of 30 s each; a watch is renewed or retried at least every 30 s. */
const absurdlyLong = 5 * 60_000;
/** ms. Three times the longest silence of a live watch. */
const tooLongAgo = 90_000;

/** A standby is as live and ready as a leader. While the API server is unavailable, the process is live but not ready: a restart would not help. */
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

/** Changes whenever the informer does. Errors are left out: they may contain values that JSON cannot represent. */
function lifeSignsOf(health: InformerHealth): string {
  return JSON.stringify(health, (name, value) => (name === 'error' ? undefined : value));
}

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min`;
}
