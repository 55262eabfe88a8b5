// Converts durations of flags and specs ("1h30m") to milliseconds and back.

const unit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The same pattern as in the rule of `spec.interval` in the CRD: a subset of what Go's time.ParseDuration reads, with no sign and no bare 0. */
export const durationPattern = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;

/** Whole milliseconds; undefined if the text is not a duration, or too long for an exact number. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, name] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) ms += Number(amount) * (unit[name ?? ''] ?? 0);
  ms = Math.round(ms);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** For messages, exact to the millisecond: `1h30m`, `10m`, `2.5s`, `250ms`. Negative durations are `0s`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole > 0 && whole < 1_000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1_000;
  const parts = [hours ? `${hours}h` : '', minutes ? `${minutes}m` : '', seconds ? `${seconds}s` : ''].join('');
  return parts || '0s';
}
