// What the map shows of one registry, and of all. Pure.
import type { AzureRegion } from '../../azure/regions.ts';
import type { RegistryView } from '../model.ts';
import type { Line, Marker } from './markers.ts';
import type { RegionSummary } from './overview.ts';
import { displayName, needInWords, placeOf, stateInWords, summaryInWords } from './words.ts';
import type { Drawing } from './world.ts';

type Names = ReadonlyMap<string, AzureRegion>;

/** More lines hide the map. */
const maxLines = 60;

/** @param writable Whether a region without a replica can be chosen. */
export function drawingOfOne(view: RegistryView, names: Names, writable: boolean): Drawing {
  const now = Date.now();
  const markers = view.regions.flatMap((region): Marker[] => {
    const { location, state, home } = region;
    const place = placeOf(names.get(location));
    const label = displayName(names, location);
    const all = [stateInWords(region, now), needInWords(region, now)].filter(Boolean).join(', ');
    const unused = region.unusedSince !== undefined;
    return place
      ? [{ location, label, place, state, home, unused, words: `${home ? 'Home. ' : ''}${all}`, isChoice: true }]
      : [];
  });
  const home = view.regions.find((region) => region.home)?.location;
  const lines = home ? linesFrom(home, view) : [];
  const all = view.regions
    .map(
      ({ location, state, unusedSince }) => `${displayName(names, location)} ${state}${unusedSince ? ', unused' : ''}`,
    )
    .join(', ');
  return {
    markers: [...dots(markers, names, writable), ...homeLast(markers)],
    lines,
    summary: `Map of ${view.name}: ${all || 'no region yet'}. The list says the same.`,
  };
}

export function drawingOfAll(views: readonly RegistryView[], sums: readonly RegionSummary[], names: Names): Drawing {
  const markers = sums.flatMap((sum): Marker[] => {
    const { location, worst, homes, total } = sum;
    const place = placeOf(names.get(location));
    const label = displayName(names, location);
    const words = summaryInWords(sum);
    if (!place) return [];
    return [{ location, label, place, state: worst, home: homes > 0, count: total, words, isChoice: true }];
  });
  const summary = `Map of ${views.length} registries in ${markers.length} regions. The list says the same.`;
  return { markers: [...dots(markers, names, false), ...markers.reverse()], lines: linesOf(views), summary };
}

/** One for each pair of home and replica; none if there are too many. */
function linesOf(views: readonly RegistryView[]): Line[] {
  const lines = new Map<string, Line>();
  for (const view of views) {
    const home = view.regions.find((region) => region.home)?.location;
    if (!home) continue;
    for (const line of linesFrom(home, view)) lines.set(`${home} ${line.to}`, line);
    if (lines.size > maxLines) return [];
  }
  return [...lines.values()];
}

function linesFrom(home: string, { regions }: RegistryView): Line[] {
  return regions.flatMap(({ location, state }) => (location === home ? [] : [{ from: home, to: location, state }]));
}

/** The regions without a replica. */
function dots(markers: readonly Marker[], names: Names, isChoice: boolean): Marker[] {
  const taken = new Set(markers.map(({ location }) => location));
  return [...names.values()].flatMap((region): Marker[] => {
    const place = placeOf(region);
    if (!place || taken.has(region.name)) return [];
    return [{ location: region.name, label: region.displayName, place, words: 'No replica', isChoice }];
  });
}

/** Drawn last, so that nothing covers it. */
function homeLast(markers: readonly Marker[]): Marker[] {
  return [...markers].sort((one, other) => Number(one.home) - Number(other.home));
}
