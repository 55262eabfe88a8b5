// The list beside the map of one registry: what it is, its regions with what is planned, a region to add, and its events.
import type { AzureRegion } from '../../azure/regions.ts';
import type { EventView, MapState, RegionView, RegistryView } from '../model.ts';
import { button, el, keyedList } from './dom.ts';
import { icon } from './shapes.ts';
import { age, displayName, needInWords, planInWords, stateInWords } from './words.ts';

/** What the row of a region says of its state, and of its need. */
function inWords(region: RegionView, now: number): readonly [string, string] {
  return [stateInWords(region, now), needInWords(region, now)];
}

type Settings = Pick<MapState, 'writable' | 'hasEvents'>;
export type OnChoose = (location: string) => void;

const readOnly =
  'This map is read-only, since the operator serves it to all who reach its port. Change regions with “kubectl georep map”, which uses your own rights.';

export class OnePanel {
  readonly element: HTMLElement;
  readonly key: string;
  readonly #head = el('div', { class: 'head' });
  readonly #regions: (regions: readonly RegionView[]) => void;
  readonly #choice = el('select', { id: 'new-region' });
  readonly #events = el('div', { id: 'events' });
  readonly #settings: Settings;
  readonly #rows = el('ul', { class: 'rows', id: 'regions' });
  readonly #onChoose: OnChoose;
  #names: ReadonlyMap<string, AzureRegion> = new Map();
  #offered = '';
  #shown = '';
  #eventsDue = true;
  #isReadingEvents = false;

  constructor(key: string, settings: Settings, onChoose: OnChoose) {
    this.key = key;
    this.#settings = settings;
    this.#onChoose = onChoose;
    this.#regions = keyedList(this.#rows, {
      key: ({ location }) => location,
      version: (region) =>
        JSON.stringify([region, ...inWords(region, Date.now()), displayName(this.#names, region.location)]),
      make: (region) => this.#row(region),
    });
    const add = button('Add…', { id: 'add' }, () => this.#choice.value && onChoose(this.#choice.value));
    this.element = el(
      'div',
      {},
      el('a', { class: 'back', href: '#/' }, '← All registries'),
      this.#head,
      el('h2', {}, 'Regions'),
      this.#rows,
      settings.writable
        ? el('div', { class: 'adding' }, el('label', { for: 'new-region' }, 'Add a region'), this.#choice, add)
        : el('p', { class: 'muted', id: 'read-only' }, readOnly),
      ...(settings.hasEvents ? [el('h2', {}, 'Events'), this.#events] : []),
    );
  }

  /** Leads from the map to the row of a region. */
  focus(location: string): void {
    const row = [...this.#rows.children].find((one) => one.getAttribute('data-location') === location);
    if (row instanceof HTMLElement) row.focus();
  }

  update(view: RegistryView, names: ReadonlyMap<string, AzureRegion>): void {
    this.#names = names;
    this.#showHead(view);
    this.#regions([...view.regions].sort((one, other) => Number(other.home) - Number(one.home)));
    this.#offer(view);
    const shown = JSON.stringify(view);
    if (shown !== this.#shown) this.#eventsDue = true;
    this.#shown = shown;
    void this.#readEvents(view);
  }

  #showHead({ name, namespace, phase, registry, loginServer, message, sources = [], ...view }: RegistryView): void {
    const home = view.homeRegion && displayName(this.#names, view.homeRegion);
    const remarks = [
      view.suspended && 'suspended',
      view.deleting && 'being deleted',
      view.mode === 'Observe' && 'observed only',
      view.prune === 'Retain' && 'keeps unlisted replicas',
    ].filter((remark) => remark !== false);
    this.#head.replaceChildren(
      el('h2', {}, name, el('span', { class: 'muted' }, ` ${namespace}`)),
      el('p', {}, el('strong', {}, phase), view.readyRegions && `, ${view.readyRegions} regions ready`),
      el('p', { class: 'muted' }, `${loginServer ?? registry}${home ? `, at home in ${home}` : ''}`),
      ...(remarks.length > 0 ? [el('p', { class: 'muted' }, remarks.join(', '))] : []),
      ...(message && phase !== 'Ready' ? [el('p', { class: 'message' }, message)] : []),
      ...sources.map(({ text, isReadable }) => el('p', { class: isReadable ? 'muted' : 'message' }, `Source ${text}`)),
    );
  }

  #row(region: RegionView): HTMLElement {
    const name = displayName(this.#names, region.location);
    const { location, state, home, listed, message, plan = [], replica } = region;
    const isWanted = listed || region.neededBy !== undefined || region.keptFor !== undefined;
    const role = [home && 'home', !isWanted && !home && 'not listed'].filter(Boolean).join(', ');
    const words = inWords(region, Date.now());
    const change = button(listed ? 'Remove…' : 'Add…', { 'aria-label': `${listed ? 'Remove' : 'Add'} ${name}…` }, () =>
      this.#onChoose(location),
    );
    return el(
      'li',
      { class: 'row', 'data-location': location, tabindex: this.#settings.writable ? undefined : -1 },
      icon(state, { home, unused: region.unusedSince !== undefined }),
      el('span', { class: 'name' }, name, el('span', { class: 'muted' }, role && ` ${role}`)),
      ...(this.#settings.writable && (listed || !home) ? [change] : []),
      el('span', { class: 'detail' }, words[0], replica !== undefined && `, replica ${replica}`),
      words[1] !== '' && el('span', { class: 'detail' }, words[1]),
      message !== undefined && el('span', { class: 'message' }, message),
      ...plan.map((entry) => el('span', { class: 'detail' }, planInWords(entry))),
    );
  }

  /** Regions that have no row, by geography. */
  #offer({ regions }: RegistryView): void {
    const taken = new Set(regions.map(({ location }) => location));
    const free = [...this.#names.values()].filter(({ name }) => !taken.has(name));
    const offered = free.map(({ name }) => name).join();
    if (offered === this.#offered) return;
    this.#offered = offered;
    const { value } = this.#choice;
    const groups = Map.groupBy(free, ({ geography = 'Elsewhere' }) => geography);
    this.#choice.replaceChildren(
      el('option', { value: '' }, 'Choose…'),
      ...[...groups].map(([label, some]) =>
        el('optgroup', { label }, ...some.map(({ name, displayName }) => el('option', { value: name }, displayName))),
      ),
    );
    this.#choice.value = taken.has(value) ? '' : value;
  }

  /** Again after each change of the object, since the operator records events with it, and one request at a time. */
  async #readEvents({ namespace, name }: RegistryView): Promise<void> {
    if (!this.#settings.hasEvents || !this.#eventsDue || this.#isReadingEvents) return;
    this.#isReadingEvents = true;
    this.#eventsDue = false;
    try {
      const response = await fetch(
        `api/registries/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/events`,
      );
      const body = (await response.json()) as EventView[] | { message?: string };
      this.#showEvents(Array.isArray(body) ? body : (body.message ?? 'The events cannot be read.'));
    } catch {
      this.#showEvents('The events cannot be read.');
    }
    this.#isReadingEvents = false;
  }

  #showEvents(events: readonly EventView[] | string): void {
    if (typeof events === 'string' || events.length === 0) {
      this.#events.replaceChildren(el('p', { class: 'muted' }, typeof events === 'string' ? events : 'None yet.'));
      return;
    }
    const now = Date.now();
    this.#events.replaceChildren(
      el(
        'ul',
        { class: 'events' },
        ...events.map(({ at, type, reason, note, count }) =>
          el(
            'li',
            { class: type },
            el('span', { class: 'name' }, reason, count > 1 && ` ×${count}`),
            el('time', { class: 'muted', datetime: at }, ` ${age(at, now)} ago`),
            el('span', { class: 'detail' }, note),
          ),
        ),
      ),
    );
  }
}
