// What the map shows, as JSON: one view for each RegistryReplication, and the sums of all views for each region. Pure; the server makes
// the views, and the page the sums.
import { findCondition } from '../api/conditions.ts';
import type { PlanEntry, RegionSpec, RegionState, RegistryReplication } from '../api/registryreplication.ts';
import type { AzureRegion } from '../azure/regions.ts';
import { sanitize } from '../lib/sanitize.ts';
import { normalise } from '../replication/location.ts';

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
  readonly regions: readonly RegionView[];
}

export interface RegionView {
  /** In ARM's short form. */
  readonly location: string;
  readonly state: RegionState;
  readonly home: boolean;
  /** Whether the spec lists it. */
  readonly listed: boolean;
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

const maxMessageChars = 1_000;
const maxNameChars = 253;

export function registryView(object: RegistryReplication): RegistryView {
  const { metadata, spec, status = {} } = object;
  const { namespace, name, uid = '', generation = 0 } = metadata;
  const ready = findCondition(status.conditions, 'Ready');
  const homeRegion = status.registry?.homeRegion;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid,
    generation,
    registry: text(spec.registry.name, maxNameChars),
    ...(status.registry?.loginServer && { loginServer: text(status.registry.loginServer, maxNameChars) }),
    ...(homeRegion && { homeRegion: normalise(homeRegion) }),
    phase: text(status.phase ?? 'Pending', maxNameChars),
    ...(status.readyRegions && { readyRegions: text(status.readyRegions, maxNameChars) }),
    ...(ready && { reason: text(ready.reason, maxNameChars) }),
    ...(ready?.message && { message: text(ready.message) }),
    mode: spec.mode ?? 'Manage',
    suspended: spec.suspend ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    prune: spec.prune ?? 'Delete',
    listed: spec.regions,
    regions: regionViews(object),
  };
}

/** The rows of the status, then listed regions and a home region that no pass has seen yet. */
function regionViews({ spec, status = {} }: RegistryReplication): RegionView[] {
  const listed = new Set(spec.regions.map(({ location }) => normalise(location)));
  const home = status.registry?.homeRegion && normalise(status.registry.homeRegion);
  const plans = Map.groupBy(status.plan ?? [], ({ location }) => normalise(location));
  const planOf = (location: string) => {
    const entries = plans.get(location);
    return entries ? { plan: entries.map(stepView) } : {};
  };
  const rows = (status.regions ?? []).map((row): RegionView => {
    const location = normalise(row.location);
    return {
      location,
      state: row.state,
      home: row.home,
      listed: listed.has(location),
      ...(row.since && { since: row.since }),
      ...(row.routing && { routing: row.routing }),
      ...(row.replica && row.replica !== location && { replica: text(row.replica, maxNameChars) }),
      ...(row.message && { message: text(row.message) }),
      ...(row.managedTags?.length && { tags: row.managedTags.map((tag) => text(tag)) }),
      ...planOf(location),
    };
  });
  const shown = new Set(rows.map(({ location }) => location));
  const unseen = [...listed]
    .filter((location) => !shown.has(location))
    .map(
      (location): RegionView => ({
        location,
        state: 'Absent',
        home: location === home,
        listed: true,
        ...planOf(location),
      }),
    );
  return [...rows, ...unseen];
}

function stepView({ action, notBefore, waitsFor, message }: PlanEntry): StepView {
  return {
    action,
    ...(notBefore && { notBefore }),
    ...(waitsFor && { waitsFor: text(waitsFor) }),
    ...(message && { message: text(message) }),
  };
}

function text(foreign: string, limit = maxMessageChars): string {
  return sanitize(foreign, limit);
}

/** What one region holds, over several registries. */
export interface RegionSummary {
  readonly location: string;
  readonly total: number;
  /** How many of them are at home here. */
  readonly homes: number;
  readonly states: Readonly<Partial<Record<RegionState, number>>>;
  /** The state that needs attention most. */
  readonly worst: RegionState;
}

/** By urgency: what needs a person, what is on its way, what is well. */
const urgency: readonly RegionState[] = ['Failed', 'Absent', 'Deleting', 'Creating', 'Updating', 'Syncing', 'Ready'];

/** The state that needs attention most; Ready if there is none. */
export function worstOf(states: readonly string[]): RegionState {
  return urgency.find((state) => states.includes(state)) ?? 'Ready';
}

/** One entry for each region that any view names, the largest first. */
export function summarizeByRegion(views: readonly RegistryView[]): RegionSummary[] {
  const sums = new Map<string, { total: number; homes: number; states: Partial<Record<RegionState, number>> }>();
  for (const { regions } of views) {
    for (const { location, state, home } of regions) {
      const sum = sums.get(location) ?? { total: 0, homes: 0, states: {} };
      sums.set(location, sum);
      sum.total++;
      if (home) sum.homes++;
      sum.states[state] = (sum.states[state] ?? 0) + 1;
    }
  }
  return [...sums]
    .map(([location, sum]) => ({
      location,
      ...sum,
      worst: worstOf(Object.keys(sum.states)),
    }))
    .sort((one, other) => other.total - one.total || (one.location < other.location ? -1 : 1));
}

export interface Filter {
  /** Empty: all. */
  readonly namespace: string;
  /** A phase of the object, or the state of any of its regions; empty: all. */
  readonly state: string;
  /** Words, all of which occur in a name, a region or a message. */
  readonly text: string;
}

export function matches(view: RegistryView, { namespace, state, text: words }: Filter): boolean {
  if (namespace && view.namespace !== namespace) return false;
  if (state && view.phase !== state && !view.regions.some((region) => region.state === state)) return false;
  if (!words.trim()) return true;
  const regions = view.regions.flatMap(({ location, message = '' }) => [location, message]);
  const all = [view.key, view.registry, view.phase, view.reason, view.message, ...regions].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .trim()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
