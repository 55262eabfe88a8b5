// The stages of a replica and the transitions between them. A stage is a pure function of time, so no timers are needed
// and a fake clock can skip years.

/** Why a creation or change failed, in ACR's words. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** How a creation fails: the replica is Failed, is rolled back and gone, or stays Creating for ever. */
export type FailedEnding = { readonly kind: 'Failed' | 'Gone'; readonly failure: Failure } | { readonly kind: 'Never' };

/** Times are ms since the epoch. `since` is shown by ARM as `status.timestamp`; `until` is Infinity while held. */
export type SettledStage =
  /** Provisioned, but its content is still being copied: ARM says Succeeded and Syncing. */
  | { readonly kind: 'Syncing'; readonly since: number; readonly until: number }
  | { readonly kind: 'Ready'; readonly since: number }
  | { readonly kind: 'Failed'; readonly since: number; readonly failure: Failure };

/** In motion: ACR is working on the replica and accepts no further write. */
export type MovingStage =
  | {
      readonly kind: 'Creating';
      readonly since: number;
      readonly until: number;
      /** ms that the replica will be Syncing afterwards. */
      readonly sync: number;
      /** Set if the creation will not succeed. */
      readonly ending?: FailedEnding;
    }
  | { readonly kind: 'Updating'; readonly since: number; readonly until: number; readonly rest: SettledStage }
  | { readonly kind: 'Deleting'; readonly since: number; readonly until: number };

export type Stage =
  /** The home region's entry before ACR has made it: not visible. */
  | { readonly kind: 'Awaited'; readonly until: number }
  | MovingStage
  | SettledStage
  | { readonly kind: 'Gone'; readonly since: number };

export function isMoving(stage: Stage): stage is MovingStage {
  return stage.kind === 'Creating' || stage.kind === 'Updating' || stage.kind === 'Deleting';
}

/** A creation that only a deletion ends. */
export function isStuck(stage: Stage): boolean {
  return stage.kind === 'Creating' && stage.ending?.kind === 'Never';
}

/** Whether the stage ends by time alone. */
export function isTemporary(stage: Stage): stage is Extract<Stage, { until: number }> {
  return 'until' in stage && !isStuck(stage);
}

/** The stage after `stage`, entered at `at`; a final stage is followed by itself. */
export function nextStage(stage: Stage, at: number): Stage {
  switch (stage.kind) {
    case 'Awaited':
      return { kind: 'Ready', since: at };
    case 'Creating':
      return afterCreation(stage, at);
    case 'Syncing':
      return { kind: 'Ready', since: at };
    case 'Updating':
      return { ...stage.rest, since: at };
    case 'Deleting':
      return { kind: 'Gone', since: at };
    case 'Ready':
    case 'Failed':
    case 'Gone':
      return stage;
    default:
      return stage satisfies never;
  }
}

function afterCreation(stage: Extract<Stage, { kind: 'Creating' }>, at: number): Stage {
  const { ending, sync } = stage;
  switch (ending?.kind) {
    case undefined:
      return sync > 0 ? { kind: 'Syncing', since: at, until: at + sync } : { kind: 'Ready', since: at };
    case 'Failed':
      return { kind: 'Failed', since: at, failure: ending.failure };
    case 'Gone':
      return { kind: 'Gone', since: at };
    case 'Never':
      return stage;
    default:
      return ending satisfies never;
  }
}

/** The stage at `now` of a replica that was in `stage` before. */
export function stageAt(stage: Stage, now: number): Stage {
  let current = stage;
  while (isTemporary(current) && current.until <= now) current = nextStage(current, current.until);
  return current;
}
