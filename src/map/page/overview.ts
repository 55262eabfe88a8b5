// Sums up all registries for each region, and filters them. Pure.
import type { RegionState } from '../../api/registryreplication.ts';
import type { RegionView, RegistryView } from '../model.ts';

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

/** Of regions that no source names any more. */
export const unused = 'Unused';

export interface Filter {
  /** Empty: all. */
  readonly namespace: string;
  /** A phase of the object, the state of any of its regions, or `unused`; empty: all. */
  readonly state: string;
  /** Words, all of which occur in a name, a region or a message. */
  readonly text: string;
}

function isIn({ state, unusedSince }: RegionView, wanted: string): boolean {
  return state === wanted || (wanted === unused && unusedSince !== undefined);
}

export function matches(view: RegistryView, { namespace, state, text: words }: Filter): boolean {
  if (namespace && view.namespace !== namespace) return false;
  if (state && view.phase !== state && !view.regions.some((region) => isIn(region, state))) return false;
  if (!words.trim()) return true;
  const regions = view.regions.flatMap(({ location, message = '', neededBy = '' }) => [location, message, neededBy]);
  const all = [view.key, view.registry, view.phase, view.reason, view.message, ...regions].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .trim()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
