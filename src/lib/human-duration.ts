// Shortens durations for people, as kubectl does in its column AGE: `45s`, `3m20s`, `3h12m`, `5d`.

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** The same words as HumanDuration of k8s.io/apimachinery: the longer the duration, the less exact. */
export function humanDuration(ms: number): string {
  if (ms < 2 * minute) return `${whole(ms, second)}s`;
  if (ms < 10 * minute) return two(ms, minute, 'm', second, 's');
  if (ms < 3 * hour) return `${whole(ms, minute)}m`;
  if (ms < 8 * hour) return two(ms, hour, 'h', minute, 'm');
  if (ms < 2 * day) return `${whole(ms, hour)}h`;
  if (ms < 8 * day) return two(ms, day, 'd', hour, 'h');
  if (ms < 2 * year) return `${whole(ms, day)}d`;
  if (ms < 8 * year) return two(ms, year, 'y', day, 'd');
  return `${whole(ms, year)}y`;
}

function whole(ms: number, unitMs: number): number {
  return Math.max(0, Math.floor(ms / unitMs));
}

/** Such as `3m20s`; `3m` without a rest. */
function two(ms: number, largeMs: number, large: string, smallMs: number, small: string): string {
  const rest = whole(ms % largeMs, smallMs);
  return `${whole(ms, largeMs)}${large}${rest > 0 ? `${rest}${small}` : ''}`;
}
