// Who may read the metrics: whoever the API server knows by a bearer token, and gives the right to `get` the path /metrics. Its
// answers are kept for a moment, so that a scrape costs no request to it; tokens are never kept, only what they hash to.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AccessReview } from '../kubernetes/client/access-review.ts';
import { explain, isUnavailable } from '../kubernetes/client/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { LogOnChange } from '../lib/log-on-change.ts';
import { sanitize } from '../lib/sanitize.ts';

export type Verdict = { readonly status: 200 } | { readonly status: 401 | 403 | 500 | 503; readonly words: string };

/** @param authorization The header, where there was one. Never rejects. */
export type Guard = (authorization: string | undefined) => Promise<Verdict>;

export interface GuardOptions {
  readonly reviews: AccessReview;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** ms: how long a right that was taken away still counts; and how long one that was just given does not. */
const kept = { allowed: 60_000, refused: 10_000 } as const;
/** Of so many tokens; those that were not used for longest are forgotten. */
const mostKept = 256;

/** Reviews at a time: a flood of made-up tokens stops here, and does not become one of questions to the API server. */
const mostReviews = 16;

/** What Go's servers say without a token. */
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
    // Whatever stands between us and the API server may send back what it was sent.
    const why = remedyFor(error).replaceAll(token, '[removed]');
    complaints.raise('reviews', `Nobody can read the metrics: whoever asks cannot be looked up. ${why}`);
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
        complaints.settle('reviews', 'Whoever asks for metrics can be looked up again');
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
