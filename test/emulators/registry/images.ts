// The images of the emulated registries: what was pushed, and when it arrives in each region. A push is complete in one region at
// once and reaches the others later (ACR's replication is eventually consistent: Microsoft's article on geo-replication).
import { createHash } from 'node:crypto';

export interface Push {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** JSON; default: one that no other push has. */
  readonly manifest?: string;
  /** ms until it is in each region; regions that are not named have it at once. Infinity: until `arrive`. */
  readonly delays?: Readonly<Record<string, number>>;
}

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: string;
}

interface Stored extends Manifest {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly pushedAt: number;
  /** By region; ms since the epoch. */
  readonly arrivals: Map<string, number>;
}

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

export class Images {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #pushes: Stored[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the digest. */
  push({ registry, repository, tag, manifest, delays = {} }: Push): string {
    const content = manifest ?? manifestNumber(this.#pushes.length + 1);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const pushedAt = this.#now();
    const arrivals = new Map(Object.entries(delays).map(([region, ms]) => [region, pushedAt + ms]));
    this.#pushes.push({
      registry: registry.toLowerCase(),
      repository,
      tag,
      digest,
      content,
      mediaType,
      pushedAt,
      arrivals,
    });
    return digest;
  }

  /** Everything that was pushed to the registry is in this region now. */
  arrive(registry: string, region: string): void {
    for (const push of this.#pushes)
      if (push.registry === registry.toLowerCase()) push.arrivals.set(region, this.#now());
  }

  /** @param reference A tag or a digest. */
  find(registry: string, region: string, repository: string, reference: string): Manifest | undefined {
    const now = this.#now();
    return this.#pushes.findLast(
      (push) =>
        push.registry === registry.toLowerCase() &&
        push.repository === repository &&
        (push.tag === reference || push.digest === reference) &&
        (push.arrivals.get(region) ?? push.pushedAt) <= now,
    );
  }
}

function manifestNumber(number: number): string {
  const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 2 };
  return JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: empty,
    layers: [],
    annotations: { push: String(number) },
  });
}
