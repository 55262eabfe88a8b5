// Carries out the due steps of a plan. Right before each write it checks that the object still asks for the planned change.
import { annotation, type RegistryReplication } from '../api/registryreplication.ts';
import { type Accepted, type Arm, ArmError, attempt, type Replica, type ReplicaChange } from '../azure/arm.ts';
import { authorize, type NamespaceReading } from './authorization.ts';
import type { Context } from './context.ts';
import { type FollowingObject, isStillFollowed } from './follow.ts';
import type { Outcome, Pass, Result } from './pass.ts';
import { dueSteps, type Plan } from './plan.ts';
import { isIntentStored } from './replica-history.ts';
import { reportPass } from './status.ts';
import type { Step } from './step.ts';
import { tagsToSet } from './tags.ts';

export interface ActResult {
  readonly results: Result[];
  /** Due steps that were not sent, because the intent was or may have been withdrawn. The object is requeued at once. */
  readonly withheld: Step[];
  /** A failure outside ARM: the intent may no longer hold, or the outcome of a request is unknown. */
  readonly failure?: unknown;
}

/** Maximum age of the namespace reading when a write is sent. */
const permissionAgeMs = 1_000;

/** Submits all due steps concurrently; a failure in one region never stops another. Mode Observe submits nothing. */
export async function carryOut({ object, plan }: Pass, context: Context): Promise<ActResult> {
  if (object.spec.mode === 'Observe') return { results: [], withheld: [] };
  const results: Result[] = [];
  const withheld: Step[] = [];
  let failure: unknown;
  await Promise.all(
    dueSteps(plan).map(async (step) => {
      let isSent = false;
      try {
        const namespace = await context.namespaceOf(object, permissionAgeMs);
        // No await between this check and the request.
        isSent = isStillIntended(object, namespace, context);
        if (isSent) results.push(await submit(object, step, context));
      } catch (error) {
        failure = error;
      }
      if (!isSent) withheld.push(step);
    }),
  );
  return { results, withheld, ...(failure !== undefined && { failure }) };
}

/** Stores the claim, creation intents and owned tag keys before the ARM writes, so that they survive a crash. */
export async function persistIntent(pass: Pass, { objects, clock }: Context): Promise<Pass> {
  const { object, stored } = pass;
  if (object.spec.mode === 'Observe' || !hasNewIntent(pass, clock.now())) return pass;
  // lastHandledReconcileAt is updated only at the end of the pass.
  const { lastHandledReconcileAt: _, ...intended } = reportPass(pass, [], clock.now()).status;
  const handled = object.status?.lastHandledReconcileAt;
  const status = { ...intended, ...(handled !== undefined && { lastHandledReconcileAt: handled }) };
  const written = await objects.writeStatus(stored, status);
  return { ...pass, stored: written, previous: written.status };
}

function hasNewIntent({ stored, plan }: Pass, now: Date): boolean {
  return dueSteps(plan).some(({ action, location }) => {
    if (stored.status?.claim === undefined) return true;
    const region = plan.regions.find((one) => one.location === location);
    if (action === 'create' && !isIntentStored(region?.previous, now)) return true;
    const owned = region?.previous?.managedTags ?? [];
    return Object.keys(region?.spec?.tags ?? {}).some((key) => !owned.includes(key));
  });
}

/** The plan for the status, without withheld creations: the status shows a creation in the plan as begun. */
export function withoutWithheldCreations(plan: Plan, { withheld }: ActResult): Plan {
  return { ...plan, steps: plan.steps.filter((step) => step.action !== 'create' || !withheld.includes(step)) };
}

/** True if the object is still authorized, unchanged since the pass began, as are its sources, and the holder of its registry. */
function isStillIntended(planned: FollowingObject, namespace: NamespaceReading, context: Context): boolean {
  return (
    authorize(planned, context.rules, namespace) === undefined &&
    isUnchanged(planned, context) &&
    isStillFollowed(planned, context.sourcesOf(planned)) &&
    context.claims.isHolder(planned)
  );
}

/** True if spec, deletion and force-detach annotation in the cache are those of the pass. */
export function isUnchanged(planned: RegistryReplication, { current }: Pick<Context, 'current'>): boolean {
  const now = current(planned)?.metadata;
  const { uid, generation, deletionTimestamp, annotations } = planned.metadata;
  return (
    now !== undefined &&
    now.uid === uid &&
    now.generation === generation &&
    (now.deletionTimestamp === undefined) === (deletionTimestamp === undefined) &&
    now.annotations?.[annotation.forceDetach] === annotations?.[annotation.forceDetach]
  );
}

async function submit(object: RegistryReplication, step: Step, { arm, monotonic }: Context): Promise<Result> {
  const startedAt = monotonic();
  const answer = await attempt(send(object, step, arm));
  const { correlationId } = answer;
  const outcome: Outcome = answer instanceof ArmError ? { kind: 'notAccepted', error: answer } : answer.outcome;
  if (outcome.kind === 'notAccepted' && outcome.error.kind === 'NotSent') return { step, outcome };
  const request = { durationMs: monotonic() - startedAt, ...(correlationId !== undefined && { correlationId }) };
  return { step, outcome, request };
}

async function send(
  { spec: { registry } }: RegistryReplication,
  step: Step,
  arm: Arm,
): Promise<{ readonly outcome: Outcome } & Accepted> {
  switch (step.action) {
    case 'create': {
      const { replica, askAfter, correlationId } = await arm.create(registry, step.name, step.replica);
      const hint = askAfter === undefined ? {} : { pollAfterMs: askAfter };
      return { outcome: { kind: 'written', replica, ...hint }, correlationId };
    }
    case 'update': {
      const { replica, correlationId } = await arm.update(registry, step.name, step.change);
      if (!isApplied(step.change, replica)) throw notApplied(step, correlationId);
      return { outcome: { kind: 'written', replica }, correlationId };
    }
    case 'delete': {
      const { correlationId } = await arm.remove(registry, step.name);
      return { outcome: { kind: 'deleting' }, correlationId };
    }
    default:
      return step satisfies never;
  }
}

/** A PATCH response shows the new values at once (recorded: Azure/azure-cli, test_acr_create_replication.yaml, 2026-09-10). */
function isApplied({ routing, tags }: ReplicaChange, replica: Replica): boolean {
  return (
    (routing === undefined || replica.routing === routing) && tagsToSet(replica.tags, tags ?? {}, []) === undefined
  );
}

function notApplied({ message }: Step, correlationId: string | undefined): ArmError {
  const words = `Azure accepted the request but did not ${message}; an Azure Policy may modify it. Ask for the same values, or change the policy`;
  return new ArmError('Denied', 'PolicyDenied', words, { correlationId });
}
