// A replica of the emulated Azure as it is visible at one moment.
import type { Stage } from './replica-lifecycle.ts';

/** The author of a change, as `systemData` names it. */
export interface Author {
  readonly id: string;
  readonly type: 'User' | 'Application';
}

/** Times are ms since the epoch. */
export interface SystemData {
  readonly createdBy: Author;
  readonly createdAt: number;
  readonly lastModifiedBy: Author;
  readonly lastModifiedAt: number;
}

export function authored(author: Author, at: number): SystemData {
  return { createdBy: author, createdAt: at, lastModifiedBy: author, lastModifiedAt: at };
}

export type Tags = Readonly<Record<string, string>>;

/** A visible replica at one moment. A replica that is Awaited or Gone is not visible and has no snapshot. */
export interface ReplicaSnapshot {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly home: boolean;
  readonly tags: Tags;
  /** ARM's regionEndpointEnabled. */
  readonly routing: boolean;
  readonly zoneRedundancy: ZoneRedundancy;
  readonly stage: Exclude<Stage, { kind: 'Awaited' | 'Gone' }>;
  readonly systemData: SystemData;
}

export type ZoneRedundancy = 'Enabled' | 'Disabled';
