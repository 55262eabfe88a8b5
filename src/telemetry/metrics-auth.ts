// Authorizes metrics clients: the API server must know their bearer token and let them `get` the path /metrics. Its responses
// are cached briefly, so that a scrape costs no request; only hashes of tokens are kept.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AccessReview } from '../kubernetes/client/access-review.ts';
import { explain, isUnavailable } from '../kubernetes/client/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { LogOnChange } from '../lib/log-on-change.ts';
import { sanitize } from '../lib/sanitize.ts';

export type Verdict = { readonly status: 200 } | { readonly status: 401 | 403 | 500 | 503; readonly words: string };

/** @param authorization the request's header, if any. Never rejects. */
export type Guard = (authorization: string | undefined) => Promise<Verdict>;

export interface GuardOptions {
  readonly reviews: AccessReview;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** ms for which a revoked right is still granted, and a new one still refused. */
const kept = { allowed: 60_000, refused: 10_000 } as const;
/** Maximum number of cached tokens; the least recently used ones are dropped. */
const mostKept = 256;

/** Maximum number of simultaneous reviews, so that a flood of made-up tokens does not flood the API server. */
const mostReviews = 16;

/** The response of Go's servers to a request without a token. */
const unauthorized: Verdict = { status: 401, words: 'Unauthorized' };
const tooMany: Verdict = { status: 503, words: 'Too many ask at once' };

export function scrapeGuard({ reviews, clock, log }: GuardOptions): Guard {
  /** By the token's hash. */
  const verdicts = new LRUCache<string, { readonly verdict: Promise<Verdict>; until: number }>({ max: mostKept });
  let asking = 0;
  const complaints = new LogOnChange(log);
  const now = () => clock.now().getTime();

  async function review(token: string): Promise<Verdict> {
    const user = await reviews.userOf(token);
    if (!user) return unauthorized;
    if (await reviews.may(user, 'get', '/metrics')) return { status: 200 };
    const who = sanitize(user.username ?? '', 256);
    return { status: 403, words: `Forbidden: user "${who}" may not get path "/metrics"` };
  }

  function unanswered(error: unknown, token: string): Verdict {
    // A proxy before the API server may echo the token.
    const why = remedyFor(error).replaceAll(token, '[removed]');
    complaints.raise('reviews', `Requests for metrics cannot be authorized: ${why}`);
    return isUnavailable(error)
      ? { status: 503, words: 'The API server cannot be asked who you are' }
      : { status: 500, words: 'The API server does not say who you are' };
  }

  return async (authorization) => {
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization?.trim() ?? '')?.[1];
    if (token === undefined) return unauthorized;
    const key = createHash('sha256').update(token).digest('base64');
    const known = verdicts.get(key);
    if (known && now() < known.until) return known.verdict;
    if (asking >= mostReviews) return tooMany;
    asking += 1;
    const verdict = review(token).then(
      (answer) => {
        entry.until = now() + (answer.status === 200 ? kept.allowed : kept.refused);
        complaints.settle('reviews', 'Requests for metrics can be authorized again');
        return answer;
      },
      (error) => {
        entry.until = now();
        return unanswered(error, token);
      },
    );
    const entry = { verdict: verdict.finally(() => (asking -= 1)), until: Number.POSITIVE_INFINITY };
    verdicts.set(key, entry);
    return entry.verdict;
  };
}

function remedyFor(error: unknown): string {
  const why = explain(error);
  if (isUnavailable(error)) return why;
  return `Give the operator the ClusterRole of deploy/base/metrics-role.yaml (${why})`;
}
