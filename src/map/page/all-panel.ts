// The list beside the map of all registries: filters, the registries, and the regions with their sums.
import type { RegionState } from '../../api/registryreplication.ts';
import type { AzureRegion } from '../../azure/regions.ts';
import type { RegistryView } from '../model.ts';
import { button, el, keyedList } from './dom.ts';
import { type Filter, type RegionSummary, unused, worstOf } from './overview.ts';
import { icon, states } from './shapes.ts';
import { displayName, summaryInWords } from './words.ts';

/** More rows cost time, and no one reads them. */
const maxRows = 100;
/** The signs of phases; a suspended or observed object has that of its regions. */
const signs: Readonly<Record<string, RegionState>> = {
  Pending: 'Absent',
  Syncing: 'Syncing',
  Pruning: 'Deleting',
  Ready: 'Ready',
  Degraded: 'Failed',
  Failed: 'Failed',
  Deleting: 'Deleting',
};
const others = [unused, 'Pending', 'Pruning', 'Degraded', 'Suspended', 'Observing'];

export interface Listed {
  readonly all: readonly RegistryView[];
  /** Those that pass the filter. */
  readonly shown: readonly RegistryView[];
  /** Of what is shown. */
  readonly sums: readonly RegionSummary[];
  /** The key of a registry that the address names, and that is not there; empty: none. */
  readonly missing: string;
}

export class AllPanel {
  readonly element: HTMLElement;
  readonly #onFilter: () => void;
  readonly #namespace = el('select', { id: 'filter-namespace' });
  readonly #state = el('select', { id: 'filter-state' });
  readonly #text = el('input', { id: 'filter-text', type: 'search', placeholder: 'Name, region or message' });
  readonly #missing = el('p', { class: 'remark', role: 'status' });
  readonly #count = el('h2', {}, 'Registries');
  readonly #regionsTitle = el('h2', {}, 'Regions');
  readonly #more = el('p', { class: 'muted' });
  readonly #registries: (views: readonly RegistryView[]) => void;
  readonly #sums: (sums: readonly RegionSummary[]) => void;
  #names: ReadonlyMap<string, AzureRegion> = new Map();
  /** Those that the filter offers. */
  #namespaces: string | undefined;
  #limit = maxRows;

  constructor(onFilter: () => void) {
    this.#onFilter = onFilter;
    const rows = el('ul', { class: 'rows', id: 'registries' });
    const sums = el('ul', { class: 'rows', id: 'sums' });
    this.#registries = keyedList(rows, { key: ({ key }) => key, version: (view) => view, make: registryRow });
    this.#sums = keyedList(sums, {
      key: ({ location }) => location,
      version: (sum) => JSON.stringify([sum, displayName(this.#names, sum.location)]),
      make: (sum) => this.#sumRow(sum),
    });
    this.#state.append(option('', 'Any state'), ...[...states, ...others].map((state) => option(state, state)));
    for (const control of [this.#namespace, this.#state, this.#text]) control.addEventListener('input', this.#changed);
    this.element = el(
      'div',
      {},
      el(
        'form',
        { class: 'filters', role: 'search', 'aria-label': 'Filter' },
        field('Namespace', this.#namespace),
        field('State', this.#state),
        field('Text', this.#text),
      ),
      this.#missing,
      this.#count,
      rows,
      this.#more,
      this.#regionsTitle,
      sums,
    );
    this.element.querySelector('form')?.addEventListener('submit', (event) => event.preventDefault());
  }

  get filter(): Filter {
    return { namespace: this.#namespace.value, state: this.#state.value, text: this.#text.value };
  }

  /** Narrows the list to a region, or widens it again. */
  toggle(location: string): void {
    this.#text.value = this.#text.value === location ? '' : location;
    this.#changed();
  }

  update({ all, shown, sums, missing }: Listed, names: ReadonlyMap<string, AzureRegion>): void {
    this.#names = names;
    this.#offerNamespaces(all);
    this.#count.textContent =
      shown.length === all.length ? `${all.length} registries` : `${shown.length} of ${all.length} registries`;
    if (all.length === 1) this.#count.textContent = '1 registry';
    const rows = [...shown].sort(byUrgency).slice(0, this.#limit);
    this.#registries(rows);
    this.#sums(sums);
    this.#regionsTitle.hidden = sums.length === 0;
    const text = missing && `There is no RegistryReplication ${missing}, or no longer.`;
    if (this.#missing.textContent !== text) this.#missing.textContent = text;
    this.#more.replaceChildren(...this.#remainder(all.length, shown.length, rows.length));
  }

  #remainder(all: number, shown: number, rows: number): (Node | string)[] {
    if (all === 0) return ['There is no RegistryReplication yet. Each one that is created appears here.'];
    if (shown === 0) return ['None of them passes the filter. ', button('Clear the filter', {}, () => this.#clear())];
    return shown > rows ? [button(`Show ${shown - rows} more`, {}, () => this.#showMore())] : [];
  }

  #clear(): void {
    for (const control of [this.#namespace, this.#state, this.#text]) control.value = '';
    this.#text.focus();
    this.#changed();
  }

  readonly #changed = () => {
    this.#limit = maxRows;
    this.#onFilter();
  };

  #showMore(): void {
    this.#limit += 400;
    this.#onFilter();
  }

  #offerNamespaces(all: readonly RegistryView[]): void {
    const namespaces = [...new Set(all.map(({ namespace }) => namespace))].sort();
    const joined = namespaces.join();
    if (joined === this.#namespaces) return;
    this.#namespaces = joined;
    const { value } = this.#namespace;
    this.#namespace.replaceChildren(option('', 'All namespaces'), ...namespaces.map((name) => option(name, name)));
    this.#namespace.value = namespaces.includes(value) ? value : '';
  }

  #sumRow(sum: RegionSummary): HTMLElement {
    const name = displayName(this.#names, sum.location);
    const row = button('', { class: 'row' }, () => this.toggle(sum.location));
    row.append(
      icon(sum.worst, { home: sum.homes > 0 }),
      el('span', { class: 'name' }, name),
      el('span', { class: 'detail' }, summaryInWords(sum), sum.homes > 0 && `; home of ${sum.homes}`),
    );
    return el('li', {}, row);
  }
}

function registryRow(view: RegistryView): HTMLElement {
  const { namespace, name, registry, phase, readyRegions, message, reason } = view;
  const isWell = phase === 'Ready';
  return el(
    'li',
    {},
    el(
      'a',
      { class: 'row', href: `#/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}` },
      icon(signs[phase] ?? worstOf(view.regions.map(({ state }) => state))),
      el('span', { class: 'name' }, name, el('span', { class: 'muted' }, ` ${namespace}`)),
      el(
        'span',
        { class: 'detail' },
        `${phase}${readyRegions ? `, ${readyRegions} regions ready` : ''}; registry ${registry}`,
      ),
      !isWell && (message || reason) !== undefined && el('span', { class: 'message' }, message || reason || ''),
    ),
  );
}

/** What needs a person first. */
const order = ['Failed', 'Degraded', 'Deleting', 'Pruning', 'Syncing', 'Pending'];

function byUrgency(one: RegistryView, other: RegistryView): number {
  const rank = ({ phase }: RegistryView) => (order.indexOf(phase) + order.length + 1) % (order.length + 1);
  return rank(one) - rank(other) || (one.key < other.key ? -1 : 1);
}

function option(value: string, text: string): HTMLOptionElement {
  return el('option', { value }, text);
}

function field(label: string, control: HTMLElement): HTMLElement {
  return el('label', { for: control.id }, el('span', {}, label), control);
}
