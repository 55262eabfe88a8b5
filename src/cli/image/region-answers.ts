// What each region has said about an image, over all times that it was asked, and whether the image is everywhere. Pure.
import type { ManifestAnswer } from '../../azure/manifest-reader.ts';

export interface RegionAnswer {
  /** Normalised. */
  readonly location: string;
  /** The host that is asked; undefined while Azure shows none for the region. */
  readonly endpoint: string | undefined;
  readonly answer: ManifestAnswer | undefined;
  /** When it was first asked. */
  readonly askedSince: Date;
  /** When it first had the digest that it has. */
  readonly presentSince: Date | undefined;
}

export function withAnswer(
  before: RegionAnswer | undefined,
  { location, endpoint, answer }: Pick<RegionAnswer, 'location' | 'endpoint' | 'answer'>,
  now: Date,
): RegionAnswer {
  const digest = digestOf({ answer });
  const isSame = before !== undefined && digestOf(before) === digest;
  return {
    location,
    endpoint,
    answer,
    askedSince: before?.askedSince ?? now,
    presentSince: digest === undefined ? undefined : isSame ? before.presentSince : now,
  };
}

export function digestOf({ answer }: Pick<RegionAnswer, 'answer'>): string | undefined {
  return answer?.kind === 'Present' ? answer.digest : undefined;
}

/** `everywhere`: all have one digest. `denied`: a region refuses, so waiting is of no use. */
export type Availability = 'everywhere' | 'notYet' | 'denied';

export function availabilityOf(regions: readonly RegionAnswer[]): Availability {
  if (regions.some(({ answer }) => answer?.kind === 'Denied')) return 'denied';
  const digests = new Set(regions.map(digestOf));
  return regions.length > 0 && digests.size === 1 && !digests.has(undefined) ? 'everywhere' : 'notYet';
}

/** Yes, No, or Unknown where the region has not answered the question. */
export function presence({ answer }: RegionAnswer): 'Yes' | 'No' | 'Unknown' {
  if (answer?.kind === 'Present') return 'Yes';
  return answer?.kind === 'Missing' ? 'No' : 'Unknown';
}

export function messageOf(region: RegionAnswer, all: readonly RegionAnswer[]): string {
  const { answer, endpoint } = region;
  if (endpoint === undefined) return 'Azure shows no endpoint here: the registry has no replica in the region yet';
  if (answer?.kind === 'Denied' || answer?.kind === 'NoAnswer') return answer.message;
  if (answer?.kind === 'Missing') return all.some(digestOf) ? 'not there yet' : 'no region has it';
  const others = all.filter((other) => digestOf(other) !== undefined && digestOf(other) !== digestOf(region));
  return others.length > 0 ? `another digest than ${others.map(({ location }) => location).join(', ')}` : '';
}

/** One line for each region whose answer differs from the one before, of all at first. */
export function changeLines(before: readonly RegionAnswer[], now: readonly RegionAnswer[]): string[] {
  const lineOf = (region: RegionAnswer, all: readonly RegionAnswer[]) =>
    [digestOf(region), messageOf(region, all)].filter(Boolean).join(', ');
  return now.flatMap((region) => {
    const old = before.find(({ location }) => location === region.location);
    const line = lineOf(region, now);
    return old && lineOf(old, before) === line ? [] : [`${region.location}: ${line}`];
  });
}
