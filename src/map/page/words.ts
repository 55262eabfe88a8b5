// Says states, plans, sums and ages in words, for the list, the map and screen readers. Pure.
import type { AzureRegion } from '../../azure/regions.ts';
import type { Contact, RegionView, StepView } from '../model.ts';
import type { RegionSummary } from './overview.ts';

/** "3 min", "2 h", "5 d": short, since the list is scanned and not read. */
export function age(iso: string | undefined, now: number): string {
  const ms = now - Date.parse(iso ?? '');
  if (Number.isNaN(ms)) return '';
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return 'less than a minute';
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "Syncing for 3 min, routed". */
export function stateInWords({ state, since, routing }: RegionView, now: number): string {
  const lasted = age(since, now);
  const routed = routing === 'Enabled' ? ', routed' : routing === 'Disabled' ? ', not routed' : '';
  return `${state}${lasted && ` for ${lasted}`}${routed}`;
}

/** "needed by nodes (12)", "unused for 3 h 0 min, kept for 24h"; empty if the object does not follow the region. */
export function needInWords({ neededBy, unusedSince, keptFor }: RegionView, now: number): string {
  if (neededBy !== undefined) return `needed by ${neededBy}`;
  if (unusedSince === undefined) return '';
  const lasted = age(unusedSince, now);
  return `unused${lasted && ` for ${lasted}`}${keptFor === undefined ? '' : `, kept for ${keptFor}`}`;
}

export function planInWords({ action, waitsFor, notBefore, message }: StepView): string {
  if (message) return `Plan: ${message}`;
  const when = [waitsFor && `after ${waitsFor}`, notBefore && `not before ${notBefore}`].filter(Boolean).join(', ');
  return `Plan: ${action}${when && `, ${when}`}`;
}

/** "12 replicas: 10 Ready, 2 Syncing". */
export function summaryInWords({ total, states }: RegionSummary): string {
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  return `${total} ${total === 1 ? 'replica' : 'replicas'}: ${counts.join(', ')}`;
}

export function contactInWords({ live, since, message }: Contact, now: number): string {
  if (live) return 'Live';
  const lasted = age(since, now);
  return `Stale${lasted && ` for ${lasted}`}${message ? `: ${message}` : ''}`;
}

export function displayName(regions: ReadonlyMap<string, AzureRegion>, location: string): string {
  return regions.get(location)?.displayName ?? location;
}

/** A region has a place only if its coordinates are numbers on the globe. */
export function placeOf(region: AzureRegion | undefined): readonly [longitude: number, latitude: number] | undefined {
  const { latitude, longitude } = region?.coordinates ?? {};
  const isPlace =
    typeof latitude === 'number' &&
    typeof longitude === 'number' &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 180;
  return isPlace ? [longitude, latitude] : undefined;
}
