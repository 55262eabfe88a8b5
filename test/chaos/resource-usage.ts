// Measures the sockets, timers and memory of a process, from the operator's metrics and /proc.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** The minimum of several readings, so that requests in flight do not count as growth. */
export interface ResourceUsage {
  /** TCP sockets of the process to the given port, in any state. */
  readonly sockets: number;
  /** File descriptors of any kind. */
  readonly descriptors: number;
  /** Node's active Timeouts. */
  readonly timers: number;
  /** libuv requests in flight by Node's count: name look-ups, connects, writes. */
  readonly requests: number;
  /** Bytes of the used heap and of external buffers. */
  readonly memory: number;
}

/** @param metricsUrl the process's metrics endpoint */
export async function minResourceUsage(
  pid: number,
  port: number,
  metricsUrl: string,
  readings = 20,
): Promise<ResourceUsage> {
  let least = await readResourceUsage(pid, port, metricsUrl);
  for (let reading = 1; reading < readings; reading++) {
    await sleep(500);
    least = minimum(least, await readResourceUsage(pid, port, metricsUrl));
  }
  return least;
}

export function minimum(one: ResourceUsage, other: ResourceUsage): ResourceUsage {
  return {
    sockets: Math.min(one.sockets, other.sockets),
    descriptors: Math.min(one.descriptors, other.descriptors),
    timers: Math.min(one.timers, other.timers),
    requests: Math.min(one.requests, other.requests),
    memory: Math.min(one.memory, other.memory),
  };
}

async function readResourceUsage(pid: number, port: number, metricsUrl: string): Promise<ResourceUsage> {
  const links = await descriptorsOf(pid);
  const inodes = await socketInodes(pid, port);
  const answer = await fetch(metricsUrl, { signal: AbortSignal.timeout(30_000) });
  const metrics = await answer.text();
  return {
    sockets: links.filter((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '')).length,
    descriptors: links.length,
    timers: metric(metrics, 'nodejs_active_resources{type="Timeout"}'),
    requests: metric(metrics, 'nodejs_active_requests_total'),
    memory: metric(metrics, 'nodejs_heap_size_used_bytes') + metric(metrics, 'nodejs_external_memory_bytes'),
  };
}

/** The peak of the process's resident memory in bytes; NaN if it has ended. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // ESRCH: it ended while its file was open. Before it is reaped, its file has no line of memory.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  });
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function descriptorsOf(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  // A descriptor closed meanwhile has no link any more.
  const links = (await readdir(directory)).map((fd) => readlink(`${directory}/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((link) => link !== '');
}

/** Inodes of the sockets to the port; /proc/PID/net/tcp has one per line, with hexadecimal addresses. */
async function socketInodes(pid: number, port: number): Promise<Set<string>> {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const files = [`/proc/${pid}/net/tcp`, `/proc/${pid}/net/tcp6`];
  const tables = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const rows = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)));
  return new Set(
    rows.filter(([, , address]) => address?.endsWith(remote)).map(([, , , , , , , , , inode]) => inode ?? ''),
  );
}

/** 0 if there is no such line: Node has none of that kind. */
function metric(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line ? Number(line.slice(series.length)) : 0;
}
