// The signature parameters of ARM's operation URLs: about 4 kB, different at every poll, so that tests catch code that
// stores, compares or logs such a URL. Nothing is really signed or verified.
import { randomBytes } from 'node:crypto';

/** Recorded: Azure/azure-cli, 2026-09-10. `t` is .NET ticks, `c` a certificate, `s` a signature, `h` a hash. */
export function signedTail(now: number): string {
  const ticks = BigInt(Math.floor(now)) * 10_000n + 621_355_968_000_000_000n;
  return `t=${ticks}&c=${certificate}&s=${randomBytes(256).toString('base64url')}&h=${randomBytes(32).toString('base64url')}`;
}

const certificate = `MII${randomBytes(2600).toString('base64url')}`;
