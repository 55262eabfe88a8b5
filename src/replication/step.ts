// A step of a plan, and what it waits for.
import type { NewReplica, ReplicaChange } from '../azure/arm.ts';
import type { Reason } from './reasons.ts';

export type Step = {
  /** Normalised. */
  readonly location: string;
  /** The replica's ARM name. */
  readonly name: string;
  /** Action and reason, shown to users. */
  readonly message: string;
  /** Why the step waits; a step without a hold is due in this pass. */
  readonly hold?: Hold;
} & (
  | { readonly action: 'create'; readonly replica: NewReplica }
  | { readonly action: 'update'; readonly change: ReplicaChange }
  | { readonly action: 'delete' }
);

export interface Hold {
  /** The regions that must come first, if any. */
  readonly waitsFor: readonly string[];
  readonly message: string;
  /** ISO time before which the hold cannot end. */
  readonly notBefore?: string;
  /** Set if the hold lasts until a user acts. */
  readonly reason?: Reason;
}
