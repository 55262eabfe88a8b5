// The JSON between the map's server and its page: one view for each RegistryReplication, events, and changes.
import type { PlanEntry, RegionSpec, RegionState } from '../api/registryreplication.ts';
import type { AzureRegion } from '../azure/regions.ts';

/** The page's first message. */
export interface MapState {
  /** Whether the server accepts changes. */
  readonly writable: boolean;
  /** Whether it has the events of an object. */
  readonly hasEvents: boolean;
  /** kubectl's arguments that choose this cluster, such as `--context` and its value. */
  readonly kubectlArgs: readonly string[];
  readonly contact: Contact;
  /** Every region that is known, most of them with a place. */
  readonly regions: readonly AzureRegion[];
  readonly registries: readonly RegistryView[];
}

/** A later message. */
export interface MapUpdate {
  readonly contact: Contact;
  readonly changed: readonly RegistryView[];
  /** Keys of deleted objects. */
  readonly gone: readonly string[];
  /** All regions, if Azure has told new ones. */
  readonly regions?: MapState['regions'];
}

/** Whether the API server still reports changes. */
export interface Contact {
  readonly live: boolean;
  /** When the API server sent something last; undefined before the first answer. */
  readonly since?: string;
  /** Why it is not live. */
  readonly message?: string;
}

export interface RegistryView {
  /** `namespace/name` of the object. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** The registry's name in Azure. */
  readonly registry: string;
  readonly loginServer?: string;
  readonly homeRegion?: string;
  readonly phase: string;
  /** Ready regions of the listed ones, as "1/2". */
  readonly readyRegions?: string;
  /** The condition Ready. */
  readonly reason?: string;
  readonly message?: string;
  readonly mode: 'Manage' | 'Observe';
  readonly suspended: boolean;
  readonly deleting: boolean;
  readonly prune: 'Delete' | 'Retain';
  /** `spec.regions` as it is written. */
  readonly listed: readonly RegionSpec[];
  /** Whether it may go without a listed region: the spec names sources. */
  readonly follows: boolean;
  /** What the object follows. */
  readonly sources?: readonly SourceView[];
  readonly regions: readonly RegionView[];
}

export interface SourceView {
  /** "nodes: Synced, 2 regions". */
  readonly text: string;
  readonly isReadable: boolean;
}

export interface RegionView {
  /** In ARM's short form. */
  readonly location: string;
  readonly state: RegionState;
  readonly home: boolean;
  /** Whether the spec lists it. */
  readonly listed: boolean;
  /** The sources that name it: "nodes (12), MemberCluster prod-eu". */
  readonly neededBy?: string;
  /** Since when no source names it any more. */
  readonly unusedSince?: string;
  /** How long it is kept from then on, as "24h"; undefined if it is no longer. */
  readonly keptFor?: string;
  /** When the state was entered. */
  readonly since?: string;
  /** Whether the global endpoint sends clients here. */
  readonly routing?: 'Enabled' | 'Disabled';
  /** The replica's name in ARM, if it is not the location. */
  readonly replica?: string;
  readonly message?: string;
  /** Names of the tags that this object owns. */
  readonly tags?: readonly string[];
  /** What the operator will still do here. */
  readonly plan?: readonly StepView[];
}

export interface StepView {
  readonly action: PlanEntry['action'];
  readonly notBefore?: string;
  readonly waitsFor?: string;
  readonly message?: string;
}

/** An event of one object, as the page lists it. */
export interface EventView {
  readonly at: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** How often it happened. */
  readonly count: number;
}

/** A change of `spec.regions` that a person chooses on the map. */
export interface RegionChange {
  readonly action: 'add' | 'remove';
  /** In any spelling. */
  readonly location: string;
}

/** What the page posts: the change, and the version of the spec that it showed. */
export interface ChangeRequest extends RegionChange {
  readonly uid: string;
  readonly generation: number;
}
