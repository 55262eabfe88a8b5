// What one pass knows: the object, what ARM showed, the plan, and the outcome of each step.
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import type { ArmError, Replica } from '../azure/arm.ts';
import type { FollowingObject } from './follow.ts';
import type { Observation } from './observation.ts';
import type { Plan } from './plan.ts';
import type { Step } from './step.ts';

export interface Pass {
  /**
   * The object as the pass began, with the claim that it stores and the regions that it follows. Events compare the new status with
   * this one's.
   */
  readonly object: FollowingObject;
  /** The object as Kubernetes stored it last. */
  readonly stored: RegistryReplication;
  /** The status that the new one builds on: with the intent, once that is stored. */
  readonly previous: Status | undefined;
  readonly observation: Observation;
  readonly plan: Plan;
}

/** The outcome of a step that was submitted. */
export interface Result {
  readonly step: Step;
  readonly outcome: Outcome;
  /** The request sent; undefined if our own rate limiter held it back. */
  readonly request?: SentRequest;
}

/** A request to ARM, for the log. */
export interface SentRequest {
  readonly durationMs: number;
  /** ARM's id of the request, which Azure's support asks for. */
  readonly correlationId?: string;
}

export type Outcome =
  /** ARM accepted a PUT or PATCH and returned the replica. `pollAfterMs`: ARM's hint for the first poll. */
  | { readonly kind: 'written'; readonly replica: Replica; readonly pollAfterMs?: number }
  /** ARM accepted a DELETE. */
  | { readonly kind: 'deleting' }
  | { readonly kind: 'notAccepted'; readonly error: ArmError };

export function isAccepted({ outcome }: Result): boolean {
  return outcome.kind !== 'notAccepted';
}

/** The steps that are still to be done. */
export function pendingSteps({ steps }: Plan, results: readonly Result[]): Step[] {
  return steps.filter((step) => !results.some((result) => result.step === step && isAccepted(result)));
}

/** The error of a step in this location, if ARM or our rate limiter refused one. */
export function errorAt(location: string, results: readonly Result[]): ArmError | undefined {
  const result = results.find(({ step }) => step.location === location);
  return result?.outcome.kind === 'notAccepted' ? result.outcome.error : undefined;
}
