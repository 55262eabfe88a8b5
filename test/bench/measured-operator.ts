// The operator as in the image, with what the kernel and its metrics tell of it.
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Operator, type OperatorOptions, startOperator } from '../operator.ts';

export interface MeasuredOperator extends Operator {
  /** When its process was started, in ms by performance.now. */
  readonly startedMs: number;
  /** User and system time of all threads so far, in s. */
  cpuSeconds(): Promise<number>;
  /** In MB of 1024 kB, as the kernel counts them. */
  memory(): Promise<{ readonly residentMb: number; readonly peakMb: number }>;
  /** The sum of a metric over its label sets; NaN if it has none. */
  metric(name: string): Promise<number>;
  /** Resolves when passes have begun, the queue is empty and no pass runs. */
  drained(): Promise<void>;
  /** Resolves when it has taken at most 3 % of a processor for two seconds. */
  rested(): Promise<void>;
  /** Like setTimeout of node:timers/promises, but rejects if the operator ends. */
  pause(ms: number): Promise<void>;
}

/** Of a second: the kernel's unit for CPU times (USER_HZ). */
const tick = 1 / 100;

export function startMeasured(options: OperatorOptions): MeasuredOperator {
  const startedMs = performance.now();
  const operator = startOperator(options);
  const { pid } = operator.process;
  const ended = operator.exited.then(() =>
    Promise.reject(new Error(`the operator ended: ${operator.log.at(-1)?.msg}`)),
  );
  ended.catch(() => undefined);

  const pause = (ms: number) => Promise.race([wait(ms), ended]);
  const metric = async (name: string) => sumOf(name, await metricsOf(operator));
  const cpuSeconds = () => cpuSecondsOf(pid);
  return {
    ...operator,
    startedMs,
    pause,
    metric,
    cpuSeconds,
    async rested() {
      for (let before = Number.NEGATIVE_INFINITY, now = await cpuSeconds(); now - before > 0.06; ) {
        await pause(2_000);
        [before, now] = [now, await cpuSeconds()];
      }
    },
    async memory() {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
      return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
    },
    async drained() {
      await operator.logged(({ msg }) => msg.includes('passes begin'));
      while ((await metric('workqueue_depth')) + (await metric('controller_runtime_active_workers')) > 0)
        await pause(250);
    },
  };
}

/** User and system time of all threads of a process so far, in s. */
export async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * tick;
}

async function metricsOf(operator: Operator): Promise<string> {
  const { metricsPort } = await operator.logged(({ metricsPort }) => metricsPort !== undefined);
  return (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
}

function sumOf(name: string, page: string): number {
  const values = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}
