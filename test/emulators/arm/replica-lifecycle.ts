// The life of one replica: its stages and what follows each. Pure: told the time, it says where a replica stands, so
// that nothing needs a timer and a fake clock can move years.

/** Why a creation or a change came to nothing, in ACR's words. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** How a creation comes to nothing: it is Failed, or rolled back and gone, or goes on for ever. */
export type Ending = { readonly kind: 'Failed' | 'Gone'; readonly failure: Failure } | { readonly kind: 'Never' };

/** Every time is ms since the epoch. `since` is what ARM shows as `status.timestamp`; `until` is Infinity where held. */
export type Resting =
  /** Provisioned, but its content is still on the way: ARM says Succeeded and Syncing. */
  | { readonly kind: 'Syncing'; readonly since: number; readonly until: number }
  | { readonly kind: 'Ready'; readonly since: number }
  | { readonly kind: 'Failed'; readonly since: number; readonly failure: Failure };

/** In motion: ACR is working on it, and takes no further write. */
export type Moving =
  | {
      readonly kind: 'Creating';
      readonly since: number;
      readonly until: number;
      /** ms that it will be Syncing afterwards. */
      readonly sync: number;
      /** Where it does not end well. */
      readonly ending?: Ending;
    }
  | { readonly kind: 'Updating'; readonly since: number; readonly until: number; readonly rest: Resting }
  | { readonly kind: 'Deleting'; readonly since: number; readonly until: number };

export type Stage =
  /** The home region's entry, which ACR has not made yet: nobody sees it. */
  | { readonly kind: 'Awaited'; readonly until: number }
  | Moving
  | Resting
  | { readonly kind: 'Gone'; readonly since: number };

export function isMoving(stage: Stage): stage is Moving {
  return stage.kind === 'Creating' || stage.kind === 'Updating' || stage.kind === 'Deleting';
}

/** A creation that nothing but its deletion will end. */
export function isStuck(stage: Stage): boolean {
  return stage.kind === 'Creating' && stage.ending?.kind === 'Never';
}

/** Whether time alone takes it further. */
export function isPassing(stage: Stage): stage is Extract<Stage, { until: number }> {
  return 'until' in stage && !isStuck(stage);
}

/** What comes after `stage`, entered at `at`; a stage that lasts is its own successor. */
export function following(stage: Stage, at: number): Stage {
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

/** Where a replica stands at `now` that was in `stage` before. */
export function stageAt(stage: Stage, now: number): Stage {
  let current = stage;
  while (isPassing(current) && current.until <= now) current = following(current, current.until);
  return current;
}
