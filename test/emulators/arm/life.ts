// The life of one replica: its stages and what follows each. Pure: told the time, it says where a replica stands, so
// that nothing needs a timer and a fake clock can move years.

/** Why a creation or a change came to nothing, in ACR's words. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

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
      /** Set: it ends as Failed. */
      readonly failure?: Failure;
    }
  | { readonly kind: 'Updating'; readonly since: number; readonly until: number; readonly rest: Resting }
  | { readonly kind: 'Deleting'; readonly since: number; readonly until: number };

export type Stage =
  /** The home region's entry, which ACR has not made yet: nobody sees it. */
  { readonly kind: 'Awaited'; readonly until: number } | Moving | Resting | { readonly kind: 'Gone' };

export function isMoving(stage: Stage): stage is Moving {
  return stage.kind === 'Creating' || stage.kind === 'Updating' || stage.kind === 'Deleting';
}

/** Whether time alone takes it further. */
export function isPassing(stage: Stage): stage is Extract<Stage, { until: number }> {
  return 'until' in stage;
}

/** What comes after `stage`, entered at `at`; a stage that lasts is its own successor. */
export function following(stage: Stage, at: number): Stage {
  switch (stage.kind) {
    case 'Awaited':
      return { kind: 'Ready', since: at };
    case 'Creating':
      if (stage.failure) return { kind: 'Failed', since: at, failure: stage.failure };
      return stage.sync > 0 ? { kind: 'Syncing', since: at, until: at + stage.sync } : { kind: 'Ready', since: at };
    case 'Syncing':
      return { kind: 'Ready', since: at };
    case 'Updating':
      return { ...stage.rest, since: at };
    case 'Deleting':
      return { kind: 'Gone' };
    case 'Ready':
    case 'Failed':
    case 'Gone':
      return stage;
    default:
      return stage satisfies never;
  }
}

/** Where a replica stands at `now` that was in `stage` before. */
export function stageAt(stage: Stage, now: number): Stage {
  let current = stage;
  while (isPassing(current) && current.until <= now) current = following(current, current.until);
  return current;
}
