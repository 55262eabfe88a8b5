// The page: shows the newest state, all registries or the one that the address names, on the map and in the list.
import type { AzureRegion } from '../../azure/regions.ts';
import { matches, type RegionSummary, type RegistryView, summarizeByRegion } from '../model.ts';
import { AllPanel } from './all-panel.ts';
import { showChange } from './change-dialog.ts';
import { connect, type Received } from './connection.ts';
import { byId, el } from './dom.ts';
import { OnePanel } from './one-panel.ts';
import { icon, meaning, states } from './shapes.ts';
import { contactInWords, displayName, placeOf, stateInWords, summaryInWords } from './words.ts';
import { type Drawing, type Line, type Marker, World } from './world.ts';

/** Ages are counted in minutes. */
const ageRefreshMs = 20_000;
/** More lines hide the map. */
const maxLines = 60;

let received: Received | undefined;
let regions: readonly AzureRegion[] = [];
let names: ReadonlyMap<string, AzureRegion> = new Map();
let onePanel: OnePanel | undefined;
let isDrawing = false;
/** The key of the registry that is shown; empty: all. */
let selected = keyInAddress() ?? '';

// The token is in the cookie now.
history.replaceState(undefined, '', location.pathname + location.hash);

const all = new AllPanel(scheduleDraw);
const world = new World({ canvas: byId('canvas'), views: byId('views'), onPick: pick });
byId('legend').append(
  ...states.map((state) =>
    el('li', {}, icon(state), el('span', {}, state), el('span', { class: 'unseen' }, `: ${meaning[state]}`)),
  ),
  el('li', {}, icon('Ready', true), el('span', {}, 'Home')),
);
addEventListener('hashchange', () => {
  selected = keyInAddress() ?? selected;
  draw();
  const panel = byId('panel');
  panel.focus({ preventScroll: true });
  panel.scrollTop = 0;
  scrollTo(0, 0);
});
setInterval(scheduleDraw, ageRefreshMs);
connect((next, changed) => {
  tellNews(changed);
  received = next;
  scheduleDraw();
});

/** Several changes in one frame are drawn once. */
function scheduleDraw(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw(): void {
  if (!received) return;
  const start = performance.now();
  const { settings, contact, registries } = received;
  if (regions !== settings.regions) {
    regions = settings.regions;
    names = new Map(regions.map((region) => [region.name, region]));
  }
  const badge = byId('contact');
  badge.className = contact.live ? 'live' : 'stale';
  const words = contactInWords(contact, Date.now());
  if (badge.textContent !== words) badge.textContent = words;
  const view = registries.get(selected);
  byId('place').textContent = view ? view.key : '';
  if (view) drawOne(view);
  else drawAll([...registries.values()]);
  performance.clearMeasures('draw');
  performance.measure('draw', { start });
}

function drawAll(views: readonly RegistryView[]): void {
  onePanel = undefined;
  const { filter } = all;
  const shown = views.filter((view) => matches(view, filter));
  show(all.element);
  const sums = summarizeByRegion(shown);
  all.update({ all: views, shown, sums }, names);
  world.draw(drawingOfAll(shown, sums));
}

function drawOne(view: RegistryView): void {
  if (onePanel?.key !== view.key) onePanel = new OnePanel(view.key, received?.settings.hasEvents ?? false, pick);
  show(onePanel.element);
  onePanel.update(view, names);
  world.draw(drawingOfOne(view));
}

function show(element: HTMLElement): void {
  const panel = byId('panel');
  if (panel.firstChild !== element) panel.replaceChildren(element);
}

function drawingOfOne(view: RegistryView): Drawing {
  const now = Date.now();
  const markers = view.regions.flatMap((region): Marker[] => {
    const place = placeOf(names.get(region.location));
    const label = displayName(names, region.location);
    const words = `${region.home ? 'Home. ' : ''}${stateInWords(region, now)}`;
    return place ? [{ location: region.location, label, place, state: region.state, home: region.home, words }] : [];
  });
  const home = markers.find((marker) => marker.home);
  const lines = home
    ? markers.flatMap(({ place, state }): Line[] =>
        state && place !== home.place ? [{ from: home.place, to: place, state }] : [],
      )
    : [];
  const all = view.regions.map(({ location, state }) => `${displayName(names, location)} ${state}`).join(', ');
  return {
    markers: [...dots(markers), ...homeLast(markers)],
    lines,
    summary: `Map of ${view.name}: ${all}. The list says the same.`,
  };
}

function drawingOfAll(views: readonly RegistryView[], sums: readonly RegionSummary[]): Drawing {
  const markers = sums.flatMap((sum): Marker[] => {
    const place = placeOf(names.get(sum.location));
    const label = displayName(names, sum.location);
    return place
      ? [
          {
            location: sum.location,
            label,
            place,
            state: sum.worst,
            home: sum.homes > 0,
            count: sum.total,
            words: summaryInWords(sum),
          },
        ]
      : [];
  });
  const lines = linesOf(views);
  const summary = `Map of ${views.length} registries in ${markers.length} regions. The list says the same.`;
  return { markers: [...dots(markers), ...markers.reverse()], lines, summary };
}

/** One for each pair of home and replica; none if there are too many. */
function linesOf(views: readonly RegistryView[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { regions } of views) {
    const home = regions.find((region) => region.home)?.location;
    const from = home && placeOf(names.get(home));
    if (!from) continue;
    for (const { location, state } of regions) {
      const to = placeOf(names.get(location));
      if (to && location !== home) lines.set(`${home} ${location}`, { from, to, state });
    }
    if (lines.size > maxLines) return [];
  }
  return [...lines.values()];
}

/** The regions without a replica. */
function dots(markers: readonly Marker[]): Marker[] {
  const taken = new Set(markers.map(({ location }) => location));
  return [...names.values()].flatMap((region): Marker[] => {
    const place = placeOf(region);
    if (!place || taken.has(region.name)) return [];
    return [{ location: region.name, label: region.displayName, place, words: 'No replica' }];
  });
}

/** Drawn last, so that nothing covers it. */
function homeLast(markers: readonly Marker[]): Marker[] {
  return [...markers].sort((one, other) => Number(one.home) - Number(other.home));
}

/** A region of the map or the list was chosen. */
function pick(location: string): void {
  const view = received?.registries.get(selected);
  if (!received) return;
  if (view) {
    const chosen = { view, location, displayName: displayName(names, location) };
    showChange(chosen, received.settings, say);
  } else if (
    [...received.registries.values()].some(({ regions }) => regions.some((region) => region.location === location))
  ) {
    all.toggle(location);
  }
}

/** `#/namespace/name` selects a registry and `#/` all; any other fragment is a place in the page. */
function keyInAddress(): string | undefined {
  const { hash } = location;
  if (hash === '') return '';
  if (!hash.startsWith('#/')) return undefined;
  try {
    return decodeURIComponent(hash.slice(2));
  } catch {
    return '';
  }
}

/** Tells a screen reader of states that the chosen registry has entered. */
function tellNews(changed: readonly RegistryView[]): void {
  const view = changed.find(({ key }) => key === selected);
  const before = view && received?.registries.get(view.key);
  if (!before) return;
  const news = view.regions
    .filter(({ location, state }) => before.regions.find((old) => old.location === location)?.state !== state)
    .map(({ location, state }) => `${displayName(names, location)}: ${state}`);
  if (news.length > 0) say(news.join(', '));
}

function say(news: string): void {
  byId('news').textContent = news;
}
