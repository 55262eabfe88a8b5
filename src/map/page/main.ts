// The page: shows the newest state, all registries or the one that the address names, on the map and in the list.
import type { AzureRegion } from '../../azure/regions.ts';
import type { RegionView, RegistryView } from '../model.ts';
import { AllPanel } from './all-panel.ts';
import { showChange } from './change-dialog.ts';
import { connect, type Received } from './connection.ts';
import { byId, el } from './dom.ts';
import { drawingOfAll, drawingOfOne } from './drawings.ts';
import { OnePanel } from './one-panel.ts';
import { matches, summarizeByRegion } from './overview.ts';
import { icon, meaning, states } from './shapes.ts';
import { contactInWords, displayName } from './words.ts';
import { World } from './world.ts';

/** Ages are counted in minutes. */
const ageRefreshMs = 20_000;

let received: Received | undefined;
let regions: readonly AzureRegion[] = [];
let names: ReadonlyMap<string, AzureRegion> = new Map();
let onePanel: OnePanel | undefined;
let isDrawing = false;
let isDrawn = false;
/** The key of the registry that is shown; empty: all. */
let selected = keyInAddress() ?? '';

const all = new AllPanel(scheduleDraw);
const world = new World({ canvas: byId('canvas'), views: byId('views'), onPick: pick });
byId('legend').append(
  ...states.map((state) =>
    el('li', {}, icon(state), el('span', {}, state), el('span', { class: 'unseen' }, `: ${meaning[state]}`)),
  ),
  el('li', {}, icon('Ready', { home: true }), el('span', {}, 'Home')),
  el(
    'li',
    {},
    icon('Ready', { unused: true }),
    el('span', {}, 'Unused'),
    el('span', { class: 'unseen' }, ': no source names it any more'),
  ),
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
connect({
  onChange(next, changed) {
    tellNews(changed);
    received = next;
    scheduleDraw();
  },
  onRefused(message) {
    byId('panel').replaceChildren(el('p', { role: 'alert' }, `The map cannot be shown: ${message}`));
  },
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
  document.title = view ? `${view.key} – Registry replicas` : 'Registry replicas';
  if (view) drawOne(view, settings);
  else drawAll([...registries.values()]);
  // For the tests and the bench.
  if (!isDrawn) performance.measure('first draw', { start });
  isDrawn = true;
  performance.clearMeasures('draw');
  performance.measure('draw', { start });
}

function drawAll(views: readonly RegistryView[]): void {
  onePanel = undefined;
  const { filter } = all;
  const shown = views.filter((view) => matches(view, filter));
  show(all.element);
  const sums = summarizeByRegion(shown);
  all.update({ all: views, shown, sums, missing: selected }, names);
  world.draw(drawingOfAll(shown, sums, names));
}

function drawOne(view: RegistryView, settings: Received['settings']): void {
  if (onePanel?.key !== view.key) onePanel = new OnePanel(view.key, settings, pick);
  show(onePanel.element);
  onePanel.update(view, names);
  world.draw(drawingOfOne(view, names, settings.writable));
}

function show(element: HTMLElement): void {
  const panel = byId('panel');
  if (panel.firstChild !== element) panel.replaceChildren(element);
}

/** A region of the map or the list was chosen. */
function pick(location: string): void {
  const view = received?.registries.get(selected);
  if (!received) return;
  if (!view) all.toggle(location);
  else if (!received.settings.writable) onePanel?.focus(location);
  else showChange({ view, location, displayName: displayName(names, location) }, received.settings, say);
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
  const wordsOf = ({ state, unusedSince }: RegionView) => `${state}${unusedSince ? ', unused' : ''}`;
  const wordsBefore = new Map(before.regions.map((region) => [region.location, wordsOf(region)]));
  const news = view.regions
    .filter((region) => wordsBefore.get(region.location) !== wordsOf(region))
    .map((region) => `${displayName(names, region.location)}: ${wordsOf(region)}`);
  if (news.length > 0) say(news.join(', '));
}

function say(news: string): void {
  byId('news').textContent = news;
}
