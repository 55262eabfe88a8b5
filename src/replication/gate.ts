// Decides whether a pass may read and write Azure: checks deletion, validation, suspension, authorization and claim.
import { annotation, finalizer, type RegistryReplication, type Status } from '../api/registryreplication.ts';
import { isoSeconds } from '../lib/clock.ts';
import { authorize, type Denial, readingAge } from './authorization.ts';
import type { Context, Objects } from './context.ts';
import { remembered } from './follow.ts';
import { earlier } from './prune-delay.ts';
import type { Report } from './status.ts';
import {
  reportClaimed,
  reportDenied,
  reportInvalid,
  reportSuspended,
  reportTooMany,
  withoutRegions,
} from './unobserved-status.ts';
import { problemsOf } from './validation.ts';

export type Gate =
  /** The object is being deleted and does not have our finalizer. */
  | { readonly kind: 'released' }
  /** The object is being deleted and is released at once, without changes in Azure. */
  | { readonly kind: 'detach'; readonly why: string }
  /** The pass must not read or write Azure. */
  | { readonly kind: 'closed'; readonly report: Report }
  /** `object` carries the claim to store and the regions that it followed. */
  | { readonly kind: 'open'; readonly object: RegistryReplication };

/** How long a namespace must be denied the registry before its object loses the claim. */
const refusalUntilLossMs = 3_600_000;

export async function checkGate(object: RegistryReplication, context: Context): Promise<Gate> {
  const { claims, clock, objects } = context;
  const now = clock.now();
  const isLeaving = object.metadata.deletionTimestamp !== undefined;
  const maxObjects = isLeaving ? undefined : context.overLimit(object);
  if (maxObjects !== undefined)
    return { kind: 'closed', report: reportTooMany(withClaim(object, undefined), maxObjects, now) };
  const problems = problemsOf(object);
  const refusal = authorize(object, context.rules, await context.namespaceOf(object, readingAge(object)));
  claims.deny(object, refusal !== undefined);
  const claim = claims.isHolder(object) ? claimKept(object, refusal, now) : undefined;
  const own = remembered(withClaim(object, claim), now);
  const holds = own.status?.claim !== undefined;

  if (isLeaving) {
    if (!hasFinalizer(object)) return { kind: 'released' };
    const why = await detachReason(object, { problems, refusal, holds, objects });
    if (why !== undefined) return { kind: 'detach', why };
  }
  const close = (report: Report): Gate => ({ kind: 'closed', report });
  if (problems.length > 0) return close(reportInvalid(own, problems, now));
  if (object.spec.suspend) return close(reportSuspended(own, now));
  if (refusal) return close(reportDenied(own, refusal, now));
  if (holds || object.spec.mode === 'Observe') return { kind: 'open', object: own };
  if (claims.acquire(object)) return { kind: 'open', object: acquired(own, now) };
  return close(reportClaimed(own, claims.holder(object) ?? claims.candidate(object), now));
}

export function hasFinalizer({ metadata }: RegistryReplication): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

/** The holder's claim after this pass; undefined if its namespace has been denied the registry for too long. */
function claimKept(
  { status }: RegistryReplication,
  refusal: Denial | undefined,
  now: Date,
): Status['claim'] | undefined {
  if (status?.claim === undefined) return undefined;
  const since = earlier(status.claim.since, isoSeconds(now));
  if (refusal?.reason !== 'RegistryNotAllowed') return { since };
  const refusedSince = earlier(status.claim.refusedSince, isoSeconds(now));
  return now.getTime() - Date.parse(refusedSince) > refusalUntilLossMs ? undefined : { since, refusedSince };
}

/** Adds a new claim and clears `wasListed`: another object may have listed those regions since. */
function acquired(object: RegistryReplication, now: Date): RegistryReplication {
  const regions = object.status?.regions?.map(({ wasListed: _, ...row }) => row);
  const status = { ...object.status, ...(regions && { regions }) };
  return withClaim({ ...object, status }, { since: isoSeconds(now) });
}

/** Sets or removes the claim. Without a claim the regions are removed too: they belong to the next holder. */
function withClaim(object: RegistryReplication, claim: Status['claim'] | undefined): RegistryReplication {
  if (claim !== undefined) return { ...object, status: { ...object.status, claim } };
  if (object.status?.claim === undefined) return object;
  const { claim: _, ...status } = withoutRegions(object.status);
  return { ...object, status };
}

interface Circumstances {
  readonly problems: readonly string[];
  readonly refusal: Denial | undefined;
  readonly holds: boolean;
  readonly objects: Objects;
}

/** Why a deleted object is released without changes in Azure; undefined if its replicas must be deleted first. */
async function detachReason(
  { spec, metadata }: RegistryReplication,
  { problems, refusal, holds, objects }: Circumstances,
): Promise<string | undefined> {
  if (metadata.annotations?.[annotation.forceDetach] === 'true')
    return `it is annotated with ${annotation.forceDetach}`;
  if (spec.deletionPolicy === 'Retain') return 'its deletionPolicy is Retain';
  if (spec.mode === 'Observe') return 'its mode is Observe';
  if (spec.suspend) return 'it is suspended';
  if (problems.length > 0) return 'its spec is invalid';
  if (refusal?.reason === 'DefaultIdentityDenied') return 'it had no identity to act with';
  if (refusal?.reason === 'RegistryNotAllowed') return 'its namespace may not name the registry';
  if (!holds) return 'it does not hold the claim on its registry';
  return (await objects.isCrdTerminating()) ? 'the CRD itself is being deleted' : undefined;
}
