// Carries out the due steps of a plan. Right before each write it checks that the object still asks for the planned change.
import { annotation, type RegistryReplication } from '../api/registryreplication.ts';
import { type Arm, ArmError, type Replica, type ReplicaChange } from '../azure/arm.ts';
import { tracing } from '../azure/trace.ts';
import { authorize, type NamespaceReading } from './authorization.ts';
import type { Context } from './context.ts';
import { dueSteps, type Plan, type Step } from './plan.ts';
import type { Result, Submitted } from './report.ts';
import { tagsToSet } from './tags.ts';

export interface Acted {
  readonly results: Result[];
  /** Due steps that were not sent, because the intent was or may have been withdrawn. The object is requeued at once. */
  readonly withheld: Step[];
  /** A failure outside ARM: the intent may no longer hold, or the outcome of a request is unknown. */
  readonly failure?: unknown;
}

/** Maximum age of the namespace reading when a write is sent. */
const permissionAgeMs = 1_000;

/** Submits all due steps concurrently; a failure in one region never stops another. */
export async function carryOut(object: RegistryReplication, plan: Plan, context: Context): Promise<Acted> {
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
        if (isSent) results.push(await submitted(object, step, context.arm));
      } catch (error) {
        failure = error;
      }
      if (!isSent) withheld.push(step);
    }),
  );
  return { results, withheld, ...(failure !== undefined && { failure }) };
}

/** The plan for the status, without withheld creations: the status shows a creation in the plan as begun. */
export function planToShow(plan: Plan, { withheld }: Acted): Plan {
  return { ...plan, steps: plan.steps.filter((step) => step.action !== 'create' || !withheld.includes(step)) };
}

/** True if the object is still authorized, unchanged since the pass began, and the holder of its registry. */
function isStillIntended(planned: RegistryReplication, namespace: NamespaceReading, context: Context): boolean {
  return (
    authorize(planned, context.rules, namespace) === undefined &&
    isUnchanged(planned, context) &&
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

async function submitted(object: RegistryReplication, step: Step, arm: Arm): Promise<Result> {
  const { answer, requests } = await tracing(() => attempt(submit(object, step, arm)));
  const request = requests.at(-1);
  return { step, answer: answer instanceof ArmError ? { error: answer } : answer, ...(request && { request }) };
}

async function submit({ spec: { registry } }: RegistryReplication, step: Step, arm: Arm): Promise<Submitted> {
  switch (step.action) {
    case 'create':
      return arm.create(registry, step.name, step.replica);
    case 'update': {
      const replica = await arm.update(registry, step.name, step.change);
      if (!isTaken(step.change, replica)) throw notTaken(step);
      return { replica };
    }
    case 'delete':
      await arm.remove(registry, step.name);
      return { deleting: true };
    default:
      return step satisfies never;
  }
}

/** A PATCH response shows the new values at once (recorded: Azure/azure-cli, test_acr_create_replication.yaml, 2026-09-10). */
function isTaken({ routing, tags }: ReplicaChange, replica: Replica): boolean {
  return (
    (routing === undefined || replica.routing === routing) && tagsToSet(replica.tags, tags ?? {}, []) === undefined
  );
}

function notTaken({ name, message }: Step): ArmError {
  const words = `Azure took the request to ${message} of replica ${name}, but did not do so: an Azure Policy that modifies it, for instance. Ask for the same values, or change the policy`;
  return new ArmError('Denied', 'PolicyDenied', words);
}

/** Returns an ArmError as a value, so that the pass can report it. Rethrows every other error. */
export async function attempt<T>(answer: Promise<T>): Promise<T | ArmError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
}
