// Asks every region of an object for an image, once or until all have it.
import type { RegistryReplication } from '../../api/registryreplication.ts';
import type { Inventory } from '../../azure/inventory.ts';
import type { ImageReference, ManifestReader } from '../../azure/manifest-reader.ts';
import { explain } from '../../kubernetes/client/errors.ts';
import { type Backoff, delayAfter } from '../../lib/backoff.ts';
import { wantedRegions } from '../../replication/needs.ts';
import type { Session } from '../session.ts';
import { startWait } from '../wait.ts';
import { type Endpoints, endpointsOf } from './endpoints.ts';
import { availabilityOf, changeLines, type RegionAnswer, withAnswer } from './region-answers.ts';

export interface Question {
  readonly object: RegistryReplication;
  readonly image: ImageReference;
  readonly inventory: Inventory;
  readonly reader: ManifestReader;
}

/** Between two rounds; a replication takes seconds to minutes. */
const pause: Backoff = { firstMs: 2_000, maxMs: 30_000, jitter: 0.2 };

/** The regions in the object's order. */
export async function askOnce(question: Question, session: Session): Promise<RegionAnswer[]> {
  const endpoints = await endpointsOf(question.inventory, question.object);
  if (endpoints.assumed) session.stderr.write(`${endpoints.assumed}\n`);
  return round(question, endpoints, [], session);
}

export interface Patience {
  readonly timeoutMs: number;
  /** Reads the object again: a source may name further regions meanwhile. */
  readonly readAgain: () => Promise<RegistryReplication>;
}

/** Until every region has the same digest, a region refuses, or `timeoutMs` is over. Tells on stderr what changes. */
export async function askUntilEverywhere(
  question: Question,
  session: Session,
  { timeoutMs, readAgain }: Patience,
): Promise<RegionAnswer[]> {
  const { elapsedMs, tell } = startWait(session);
  let { object } = question;
  let regions: RegionAnswer[] = [];
  for (let rounds = 1; ; rounds++) {
    if (rounds > 1)
      object = await readAgain().catch((error) => {
        // It must not end a long wait: the regions of the last reading stand.
        tell(`the object cannot be read again: ${explain(error)}`);
        return object;
      });
    // Read anew each time: a region gets its endpoint together with its replica.
    const endpoints = await endpointsOf(question.inventory, object);
    if (endpoints.assumed && rounds === 1) session.stderr.write(`${endpoints.assumed}\n`);
    const before = regions;
    regions = await round({ ...question, object }, endpoints, before, session);
    for (const line of changeLines(before, regions)) tell(line);
    const leftMs = timeoutMs - elapsedMs();
    if (availabilityOf(regions) !== 'notYet' || leftMs <= 0) return regions;
    await new Promise<void>((resolve) =>
      session.clock.after(Math.min(leftMs, delayAfter(rounds, pause, Math.random)), () => resolve()),
    );
  }
}

/** Asks all regions at once, those too that have the image: a tag may move. */
function round(
  { object, image, reader }: Question,
  { hosts }: Endpoints,
  before: readonly RegionAnswer[],
  { clock }: Session,
): Promise<RegionAnswer[]> {
  return Promise.all(
    wantedRegions(object).map(async (location) => {
      const asked = clock.now();
      const endpoint = hosts.get(location);
      const answer = endpoint === undefined ? undefined : await reader.read(endpoint, image);
      const previous = before.find((region) => region.location === location);
      return withAnswer(previous, { location, endpoint, answer }, previous ? clock.now() : asked);
    }),
  );
}
