// Renders the /metrics page at most once a second, one rendering at a time, however many clients ask. Rendering walks all
// objects on the event loop: one rendering per request would let clients delay the renewal of the Lease.
import type { Registry } from 'prom-client';
import type { Clock } from '../lib/clock.ts';

export interface MetricsPage {
  readonly contentType: string;
  /** The page in bytes, which all answers share, at most a second old. Rejects as the registry does. */
  render(): Promise<Uint8Array<ArrayBuffer>>;
}

const maxAgeMs = 1_000;

export function metricsPage(registry: Pick<Registry, 'contentType' | 'metrics'>, clock: Clock): MetricsPage {
  let rendered: { readonly bytes: Uint8Array<ArrayBuffer>; readonly atMs: number } | undefined;
  let underway: Promise<Uint8Array<ArrayBuffer>> | undefined;
  const nowMs = () => clock.now().getTime();

  async function renderNow(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new TextEncoder().encode(await registry.metrics());
    // Its age counts from the end: a rendering that takes longer than a second must not follow the next one at once.
    rendered = { bytes, atMs: nowMs() };
    return bytes;
  }

  return {
    contentType: registry.contentType,
    async render() {
      const ageMs = rendered ? nowMs() - rendered.atMs : Number.NaN;
      if (rendered && ageMs >= 0 && ageMs < maxAgeMs) return rendered.bytes;
      underway ??= renderNow().finally(() => {
        underway = undefined;
      });
      return underway;
    },
  };
}
