// Draws the faults of a hostile ARM and token endpoint, and their settings for the emulator.
import type { Fault as ArmFault } from '../emulators/arm/faults/fault.ts';
import type { Random } from '../emulators/arm/random.ts';
import { shuffled } from './desired-state.ts';

/** How many of each; 200 in all. */
const counts = {
  'stalled handshake': 35,
  'silent token endpoint': 4,
  'late token': 3,
  'token refused by a gateway': 3,
  'silent ARM': 14,
  'stalled body': 34,
  'gzip cut by a reset': 28,
  'gzip that ends early': 24,
  'large body': 8,
  'gzip bomb': 6,
  '503 with Retry-After': 17,
  "gateway's 403 or 502": 14,
  'next page at another origin': 10,
} as const;

export interface HostileFault {
  readonly name: keyof typeof counts;
  /** Set together. */
  readonly faults: readonly ArmFault[];
}

/** @param foreignOrigin the origin of nextLinks that point elsewhere */
export function drawHostileFaults(random: Random, foreignOrigin: string): HostileFault[] {
  const names = Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, () => name as HostileFault['name']),
  );
  return shuffled(names, random).map((name) => ({ name, faults: faultsOf(name, random, foreignOrigin) }));
}

function faultsOf(name: HostileFault['name'], random: Random, foreignOrigin: string): ArmFault[] {
  const once = { times: 1 };
  const tokens = { methods: ['POST'], endpoints: ['token'] } as const;
  const when = random() < 0.5 ? 'before' : 'after';
  switch (name) {
    case 'stalled handshake':
      // Connections are kept alive: the reset forces a new one.
      return [
        { kind: 'stalledHandshake', times: random() < 0.5 ? 1 : 2 },
        { kind: 'reset', ...once },
      ];
    case 'silent token endpoint':
      return [{ kind: 'hang', ...tokens, ...once }];
    case 'late token':
      // Some within the operator's deadline of 30 s, some beyond it.
      return [{ kind: 'latency', ...tokens, ms: 10_000, most: 45_000, ...once }];
    case 'token refused by a gateway':
      return [{ kind: 'error', ...tokens, status: random() < 0.5 ? 403 : 502, html: true, ...once }];
    case 'silent ARM':
      return [{ kind: 'hang', when, ...once }];
    case 'stalled body':
      return [{ kind: 'malformed', how: 'stall', ...once }];
    case 'gzip cut by a reset':
      return [{ kind: 'malformed', how: 'gzipCut', ...once }];
    case 'gzip that ends early':
      return [{ kind: 'malformed', how: 'gzipHalf', ...once }];
    case 'large body':
      return [{ kind: 'malformed', how: 'large', bytes: 100 * 2 ** 20, methods: ['GET'], ...once }];
    case 'gzip bomb':
      return [{ kind: 'malformed', how: 'bomb', bytes: 300 * 2 ** 20, methods: ['GET'], ...once }];
    case '503 with Retry-After':
      return [{ kind: 'error', when, status: 503, retryAfter: 1 + Math.floor(random() * 5), ...once }];
    case "gateway's 403 or 502":
      return [{ kind: 'error', when, status: random() < 0.5 ? 403 : 502, html: true, ...once }];
    case 'next page at another origin':
      return [{ kind: 'foreignNextLink', origin: foreignOrigin, ...once }];
    default:
      return name satisfies never;
  }
}
