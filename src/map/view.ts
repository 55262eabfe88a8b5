// The view of one object that the map shows. Its texts are made harmless and bounded. Pure.
import { findCondition } from '../api/conditions.ts';
import {
  listedRegions,
  type PlanEntry,
  type RegionStatus,
  type RegistryReplication,
  type SourceStatus,
  type Spec,
} from '../api/registryreplication.ts';
import { sanitize } from '../lib/sanitize.ts';
import { normalise } from '../replication/location.ts';
import { describeNeed, describeSource, unusedIn } from '../replication/needs.ts';
import type { RegionView, RegistryView, SourceView, StepView } from './model.ts';

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
    listed: listedRegions(spec),
    follows: (spec.regionsFrom ?? []).length > 0,
    ...(status.sources?.length && { sources: status.sources.map((source) => sourceView(source, ready?.message)) }),
    regions: regionViews(object),
  };
}

/** The rows of the status, then the listed regions that no pass has seen yet. */
function regionViews({ spec, status = {} }: RegistryReplication): RegionView[] {
  const listed = new Set(listedRegions(spec).map(({ location }) => normalise(location)));
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
      ...needIn(spec, row),
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

/** The message of Ready may say already why the source cannot be read. */
function sourceView(source: SourceStatus, told = ''): SourceView {
  const isReadable = source.state === 'Synced' || source.state === 'Empty';
  return { text: text(describeSource(source, told)), isReadable };
}

function needIn(spec: Spec, row: RegionStatus): Pick<RegionView, 'neededBy' | 'unusedSince' | 'keptFor'> {
  const { neededBy = [] } = row;
  const { unusedSince, keptFor } = unusedIn(spec, row);
  return {
    ...(neededBy.length > 0 && { neededBy: text(neededBy.map((need) => describeNeed(need)).join(', ')) }),
    ...(unusedSince && { unusedSince: text(unusedSince) }),
    ...(keptFor && { keptFor: text(keptFor) }),
  };
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
