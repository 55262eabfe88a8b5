// The largest spec that the CRD allows, for tests and measurements of size.
import type { RegionSource, Spec } from '../src/api/registryreplication.ts';

/** Distinct text of this length. */
const text = (n: number, length: number) => `${n}`.padStart(4, '0').padEnd(length, 'x');
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** 100 regions of 5 tags, the most for so many: the number of regions times that of any one region's tags is at most 500. */
export function largestRegions(): NonNullable<Spec['regions']> {
  return times(100, (n) => ({
    location: text(n, 64),
    routing: 'WhenReady',
    tags: Object.fromEntries(times(5, (tag) => [text(tag, 512), text(n, 256)])),
  }));
}

/** 8 sources with the longest selectors. */
export function largestSources(): RegionSource[] {
  const labelKey = (n: number) => `${text(n, 250)}.io/${text(n, 63)}`;
  return times(8, (source) => ({
    resources: {
      apiVersion: 'cluster.x-k8s.io/v1beta1',
      kind: `Kind${text(source, 59)}`,
      location: `.metadata.labels['${text(source, 200)}']`,
      selector: {
        matchLabels: Object.fromEntries(times(16, (n) => [labelKey(n), text(n, 63)])),
        matchExpressions: times(16, (n) => ({
          key: labelKey(n),
          operator: 'In',
          values: times(64, (v) => text(v, 63)),
        })),
      },
    },
  }));
}
