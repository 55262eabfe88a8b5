// The CPU that a process without work needs in an hour, from what the next four minutes cost.
import type { MeasuredOperator } from './measured-operator.ts';

/** After which an idle operator is measured: its first garbage collections are over. */
export const settlingMs = 60_000;
/** What the project promises for an hour with one object. */
export const maxIdleCpuSeconds = 8;

/** In s. */
export async function idleCpuOf(
  { cpuSeconds, pause }: Pick<MeasuredOperator, 'cpuSeconds' | 'pause'>,
  isQuick: boolean,
): Promise<number> {
  await pause(isQuick ? 5_000 : settlingMs);
  const [before, since] = [await cpuSeconds(), performance.now()];
  await pause(isQuick ? 10_000 : 240_000);
  const hours = (performance.now() - since) / 3_600_000;
  return ((await cpuSeconds()) - before) / hours;
}
