// Draws the world: land, a faint dot for each region, a sign for each region with replicas, and lines from home to replica. A region can
// be chosen with the pointer, or with the arrow keys and Enter; the list says the same in words.
import { isArrowKey, towards } from './arrow-keys.ts';
import { el, keyedList, svg } from './dom.ts';
import type { Box } from './labels.ts';
import {
  drawLeaders,
  drawLines,
  drawNames,
  drawSign,
  type Line,
  type Marker,
  type Placed,
  placeMarkers,
} from './markers.ts';
import { boxOfPart, outlineOfLand, partNames } from './projection.ts';
import type { Point } from './spread.ts';

export interface Drawing {
  readonly markers: readonly Marker[];
  readonly lines: readonly Line[];
  /** What the whole map shows, for people who do not see it. */
  readonly summary: string;
}

/** Pixels within which the pointer finds a region. */
const reach = 16;
export class World {
  readonly #svg = svg('svg', { id: 'map', role: 'group', preserveAspectRatio: 'xMidYMid meet' });
  readonly #lines = svg('g', { class: 'lines', 'aria-hidden': 'true' });
  readonly #signs = svg('g');
  readonly #labels = svg('g', { 'aria-hidden': 'true' });
  readonly #tip = el('div', { id: 'tip', hidden: '', 'aria-hidden': 'true' });
  readonly #showSigns: (placed: readonly Placed[]) => void;
  readonly #onPick: (location: string) => void;
  #drawing: Drawing = { markers: [], lines: [], summary: '' };
  #box = boxOfPart('World');
  /** In pixels; asked for only when it changes, since the answer makes the browser lay out the page. */
  #size = { width: 0, height: 0 };
  #unitsPerPixel = 1;
  #placed: readonly Placed[] = [];
  /** The location that Tab leads to. */
  #current = '';

  constructor({
    canvas,
    views,
    onPick,
  }: { canvas: HTMLElement; views: HTMLElement; onPick: (location: string) => void }) {
    this.#onPick = onPick;
    this.#showSigns = keyedList(this.#signs, {
      key: ({ marker }) => marker.location,
      version: (placed) =>
        JSON.stringify([{ ...placed, marker: { ...placed.marker, words: '' } }, this.#unitsPerPixel]),
      make: (placed) => drawSign(placed, this.#unitsPerPixel),
    });
    const land = svg('path', { class: 'land', d: outlineOfLand() });
    this.#svg.append(land, this.#lines, this.#signs, this.#labels);
    canvas.append(this.#svg, this.#tip);
    this.#listen();
    for (const name of partNames) views.append(this.#choice(name));
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#show('World');
  }

  draw(drawing: Drawing): void {
    this.#drawing = drawing;
    this.#svg.setAttribute('aria-label', drawing.summary);
    this.#render();
  }

  #listen(): void {
    this.#svg.addEventListener('pointermove', (event) => this.#point(event));
    this.#svg.addEventListener('pointerleave', () => this.#hideTip());
    this.#svg.addEventListener('click', (event) => {
      // Assistive technology clicks on an element and not at a place.
      const placed = event.detail === 0 ? this.#placedAt(event.target) : this.#nearest(event);
      if (placed) this.#pick(placed);
    });
    this.#svg.addEventListener('keydown', (event) => this.#press(event));
    this.#svg.addEventListener('focusin', ({ target }) => {
      const placed = this.#placedAt(target);
      if (!placed) return;
      this.#current = placed.marker.location;
      if (target instanceof Element && target.matches(':focus-visible')) this.#showTip(placed.marker, placed);
    });
    this.#svg.addEventListener('focusout', () => this.#hideTip());
  }

  #choice(name: string): HTMLElement {
    const input = el('input', { type: 'radio', name: 'part', value: name });
    input.checked = name === partNames[0];
    input.addEventListener('change', () => this.#show(name));
    return el('label', {}, input, el('span', {}, name));
  }

  #show(part: string): void {
    this.#box = boxOfPart(part);
    const { x, y, width, height } = this.#box;
    this.#svg.setAttribute('viewBox', `${x} ${y} ${width} ${height}`);
    this.#resize();
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#svg;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#size = { width: clientWidth, height: clientHeight };
    this.#unitsPerPixel = Math.max(this.#box.width / clientWidth, this.#box.height / clientHeight);
    this.#render();
  }

  #render(): void {
    const focused = document.activeElement;
    const hadFocus = focused !== null && this.#signs.contains(focused);
    const { markers, lines } = this.#drawing;
    const scale = this.#unitsPerPixel;
    this.#placed = placeMarkers(markers, this.#sight(), scale);
    this.#showSigns(this.#placed);
    this.#lines.replaceChildren(...drawLeaders(this.#placed, scale), ...drawLines(lines, this.#placed, scale));
    this.#labels.replaceChildren(...drawNames(this.#placed, this.#sight(), scale));
    this.#nameSigns();
    if (hadFocus && document.activeElement !== focused) this.#element(this.#current)?.focus();
  }

  /** One of the choices in sight is in the tab order; arrow keys lead to the others. */
  #nameSigns(): void {
    const choices = this.#choices();
    const stop = choices.find(({ marker }) => marker.location === this.#current) ?? choices.at(-1);
    for (const [index, { marker }] of this.#placed.entries()) {
      const element = this.#signs.children[index];
      if (!marker.isChoice) continue;
      element?.setAttribute('aria-label', `${marker.label}: ${marker.words}`);
      element?.setAttribute('tabindex', marker.location === stop?.marker.location ? '0' : '-1');
    }
  }

  /** What is in sight, in pixels: the part that was chosen, and what is around it if the window has another shape. */
  #sight(): Box {
    const { x, y, width, height } = this.#box;
    const scale = this.#unitsPerPixel;
    return {
      x: (x + width / 2) / scale - this.#size.width / 2,
      y: (y + height / 2) / scale - this.#size.height / 2,
      ...this.#size,
    };
  }

  #choices(): Placed[] {
    const { x, y, width, height } = this.#sight();
    return this.#placed.filter(
      (placed) =>
        placed.marker.isChoice && placed.x >= x && placed.x <= x + width && placed.y >= y && placed.y <= y + height,
    );
  }

  #nearest(event: MouseEvent): Placed | undefined {
    const matrix = this.#svg.getScreenCTM();
    if (!matrix) return undefined;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const scale = this.#unitsPerPixel;
    let best: { placed: Placed; distance: number } | undefined;
    for (const placed of this.#placed) {
      // A sign goes before a faint dot.
      const distance = Math.hypot(placed.x - x / scale, placed.y - y / scale) + (placed.marker.state ? 0 : 4);
      if (distance <= reach && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { placed, distance };
    }
    return best?.placed;
  }

  #placedAt(target: EventTarget | null): Placed | undefined {
    const location = target instanceof Element && target.closest('[data-location]')?.getAttribute('data-location');
    return this.#placed.find(({ marker }) => marker.location === location);
  }

  #element(location: string): SVGElement | undefined {
    const index = this.#placed.findIndex(({ marker }) => marker.location === location);
    const element = this.#signs.children[index];
    return element instanceof SVGElement ? element : undefined;
  }

  #pick({ marker }: Placed): void {
    if (!marker.isChoice) return;
    this.#current = marker.location;
    this.#hideTip();
    this.#onPick(marker.location);
  }

  #press(event: KeyboardEvent): void {
    const placed = this.#placedAt(event.target);
    if (!placed || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') this.#hideTip();
    const isPick = event.key === 'Enter' || event.key === ' ';
    if (!isPick && !isArrowKey(event.key)) return;
    event.preventDefault();
    if (isPick) this.#pick(placed);
    else {
      const next = towards(event.key, placed, this.#choices());
      if (!next) return;
      this.#current = next.marker.location;
      this.#nameSigns();
      this.#element(this.#current)?.focus();
    }
  }

  #point(event: PointerEvent): void {
    const placed = this.#nearest(event);
    this.#svg.classList.toggle('over', placed?.marker.isChoice === true);
    if (!placed || event.pointerType === 'touch') this.#hideTip();
    else this.#showTip(placed.marker, this.#toSight(event));
  }

  /** Pixels of the window as those of the map. */
  #toSight({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#svg.getBoundingClientRect();
    const { x, y } = this.#sight();
    return { x: clientX - left + x, y: clientY - top + y };
  }

  #showTip({ label, words }: Marker, at: Point): void {
    this.#tip.replaceChildren(el('strong', {}, label), el('span', {}, words));
    this.#tip.removeAttribute('hidden');
    const { x, y, width, height } = this.#sight();
    const left = Math.min(at.x - x + 14, Math.max(0, width - this.#tip.offsetWidth));
    const below = at.y - y + 14;
    const isLow = below + this.#tip.offsetHeight > height;
    const top = isLow ? Math.max(0, below - this.#tip.offsetHeight - 28) : below;
    this.#tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  #hideTip(): void {
    this.#tip.setAttribute('hidden', '');
  }
}
