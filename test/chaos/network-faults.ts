// The faults of the operator's connection to the API server and of the API server itself: how they are drawn and injected.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../emulators/arm/random.ts';
import type { RealApiServer } from '../real-api-server.ts';
import type { TcpProxy, Throttle } from '../tcp-proxy.ts';
import { shuffled } from './desired-state.ts';

export type Fault =
  /** Every connection is closed and new ones are refused, for `ms`. */
  | { readonly kind: 'cut'; readonly ms: number }
  /** Every connection is reset. */
  | { readonly kind: 'reset' }
  /** Every connection ends after `bytes` more bytes from the server: in the middle of a response or an event. */
  | { readonly kind: 'break off'; readonly how: 'close' | 'reset'; readonly bytes: number }
  | { readonly kind: 'slow'; readonly pace: Throttle; readonly ms: number }
  /** Every connection falls silent after `bytes` more bytes, until its client gives up. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** Every connection is reset, and new ones are accepted and never answered, for `ms`. */
  | { readonly kind: 'mute'; readonly ms: number }
  /** The API server is killed and restarted after `ms`, with or without a watch cache. */
  | { readonly kind: 'kill'; readonly ms: number; readonly watchCache: boolean }
  /** While connections are cut, an object changes and etcd is compacted: watches cannot resume. */
  | { readonly kind: 'compact' };

/** How many of each. Those that a client notices only after 30 s are spread evenly among the others. */
const counts = { cut: 38, reset: 46, 'break off': 44, slow: 40, kill: 8, compact: 18 } as const;
const silent = ['stall', 'mute', 'stall', 'stall', 'mute', 'stall'] as const;

export function drawFaults(random: Random): Fault[] {
  const kinds = Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, () => kind as keyof typeof counts),
  );
  const quick = shuffled(kinds, random).map((kind) => drawFault(kind, random));
  const every = Math.ceil(quick.length / silent.length);
  return silent.flatMap((kind, index) => [...quick.slice(index * every, (index + 1) * every), drawFault(kind, random)]);
}

function drawFault(kind: Fault['kind'], random: Random): Fault {
  const between = (least: number, most: number) => Math.floor(least + random() * (most - least));
  switch (kind) {
    case 'cut':
      return { kind, ms: between(50, 1_200) };
    case 'reset':
      return { kind };
    case 'break off':
      return { kind, how: random() < 0.5 ? 'close' : 'reset', bytes: between(1, 5_000) };
    case 'slow':
      return { kind, pace: { bytes: between(50, 1_500), delayMs: between(1, 30) }, ms: between(300, 2_000) };
    case 'stall':
      return { kind, bytes: between(0, 3_000) };
    case 'mute':
      return { kind, ms: between(800, 2_000) };
    case 'kill':
      return { kind, ms: between(0, 2_000), watchCache: random() < 0.5 };
    case 'compact':
      return { kind };
    default:
      return kind satisfies never;
  }
}

export interface FaultTargets {
  /** Between the operator and the API server. */
  readonly proxy: TcpProxy;
  readonly server: RealApiServer;
  /** Resolves at the next change of the workload. */
  nextChange(): Promise<void>;
}

/** Resolves when the fault is over; a silence continues. */
export async function injectFault(fault: Fault, { proxy, server, nextChange }: FaultTargets): Promise<void> {
  switch (fault.kind) {
    case 'cut':
      proxy.refuse();
      proxy.end('close');
      await sleep(fault.ms);
      return proxy.listen();
    case 'reset':
      proxy.end('reset');
      return;
    case 'break off':
      proxy.end(fault.how, fault.bytes);
      return;
    case 'slow':
      proxy.throttle(fault.pace);
      await sleep(fault.ms);
      proxy.throttle(undefined);
      return;
    case 'stall':
      proxy.end('silence', fault.bytes);
      return;
    case 'mute':
      proxy.mute(true);
      proxy.end('reset');
      await sleep(fault.ms);
      proxy.mute(false);
      return;
    case 'kill':
      await server.kill();
      await sleep(fault.ms);
      return server.start(fault.watchCache ? [] : ['--watch-cache=false']);
    case 'compact':
      proxy.refuse();
      proxy.end('reset');
      await nextChange();
      await server.compact();
      return proxy.listen();
    default:
      fault satisfies never;
  }
}
