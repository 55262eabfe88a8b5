// Draws the world: land, a faint dot for each region, a marker for each region with replicas, and lines from home to replica. For people
// who see it; the list says the same in words.
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import land110 from 'world-atlas/land-110m.json' with { type: 'json' };
import type { RegionState } from '../../api/registryreplication.ts';
import { el, svg } from './dom.ts';
import { placeLabels } from './labels.ts';
import { sign } from './shapes.ts';

export interface Marker {
  readonly location: string;
  readonly label: string;
  /** Longitude and latitude. */
  readonly place: readonly [number, number];
  /** Undefined: a region without a replica. */
  readonly state?: RegionState;
  readonly home?: boolean;
  /** How many replicas; undefined on the map of one registry. */
  readonly count?: number;
  /** What the pointer shows. */
  readonly words: string;
}

export interface Line {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly state: RegionState;
}

export interface Drawing {
  readonly markers: readonly Marker[];
  readonly lines: readonly Line[];
  /** What the whole map shows, for people who do not see it. */
  readonly summary: string;
}

const width = 960;
const projection = geoNaturalEarth1().rotate([-11, 0]).fitWidth(width, { type: 'Sphere' });
const path = geoPath(projection).digits(1);
const land = land110 as unknown as Topology<{ land: GeometryCollection }>;

/** West, north, east, south in degrees. */
const parts: Readonly<Record<string, readonly [number, number, number, number]>> = {
  World: [-168, 79, 180, -56],
  Americas: [-135, 60, -30, -40],
  'Europe, Africa': [-20, 64, 58, -38],
  'Asia, Pacific': [62, 50, 180, -46],
};

/** Pixels within which the pointer finds a region. */
const reach = 16;

export class World {
  readonly #svg = svg('svg', { id: 'map', role: 'img', preserveAspectRatio: 'xMidYMid meet' });
  readonly #lines = svg('g', { class: 'lines' });
  readonly #markers = svg('g');
  readonly #tip = el('div', { id: 'tip', hidden: '', 'aria-hidden': 'true' });
  readonly #onPick: (location: string) => void;
  #drawing: Drawing = { markers: [], lines: [], summary: '' };
  #box = boxOf('World');
  #unitsPerPixel = 1;

  constructor({
    canvas,
    views,
    onPick,
  }: { canvas: HTMLElement; views: HTMLElement; onPick: (location: string) => void }) {
    this.#onPick = onPick;
    this.#svg.append(svg('path', { class: 'land', d: outline() }), this.#lines, this.#markers);
    canvas.append(this.#svg, this.#tip);
    this.#svg.addEventListener('pointermove', (event) => this.#point(event));
    this.#svg.addEventListener('pointerleave', () => this.#tip.setAttribute('hidden', ''));
    this.#svg.addEventListener('click', (event) => {
      const marker = this.#nearest(event);
      if (marker) this.#onPick(marker.location);
    });
    for (const name of Object.keys(parts)) views.append(this.#choice(name));
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#show('World');
  }

  draw(drawing: Drawing): void {
    this.#drawing = drawing;
    this.#svg.setAttribute('aria-label', drawing.summary);
    this.#render();
  }

  #choice(name: string): HTMLElement {
    const input = el('input', { type: 'radio', name: 'part', value: name });
    input.checked = name === 'World';
    input.addEventListener('change', () => this.#show(name));
    return el('label', {}, input, el('span', {}, name));
  }

  #show(name: string): void {
    this.#box = boxOf(name);
    const { x, y, width, height } = this.#box;
    this.#svg.setAttribute('viewBox', `${x} ${y} ${width} ${height}`);
    this.#resize();
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#svg;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#unitsPerPixel = Math.max(this.#box.width / clientWidth, this.#box.height / clientHeight);
    this.#render();
  }

  #render(): void {
    const { markers, lines } = this.#drawing;
    this.#lines.replaceChildren(
      ...lines.map(({ from, to, state }) =>
        svg('path', {
          class: `line ${state}`,
          d: arc(this.#project(from), this.#project(to)),
        }),
      ),
    );
    const signs = markers.map((marker) => this.#sign(marker));
    this.#markers.replaceChildren(...signs, ...this.#labels());
  }

  #sign(marker: Marker): SVGGElement {
    const [x, y] = this.#project(marker.place);
    const group = svg('g', {
      'data-location': marker.location,
      transform: `translate(${x} ${y}) scale(${this.#unitsPerPixel})`,
    });
    const { state, home = false, count } = marker;
    if (!state) group.append(svg('circle', { class: 'dot', r: 2.5 }));
    else if (count === undefined) group.append(sign(state, home));
    else group.append(...bubble(state, home, count));
    return group;
  }

  /** Labels are placed in pixels. */
  #labels(): SVGElement[] {
    const scale = this.#unitsPerPixel;
    const inPixels = (marker: Marker) => {
      const [x, y] = this.#project(marker.place);
      const radius = marker.count === undefined ? 9 : radiusOf(marker.count);
      return { text: marker.label, x: x / scale, y: y / scale, radius };
    };
    const { x, y, width, height } = this.#box;
    const area = { x: x / scale, y: y / scale, width: width / scale, height: height / scale };
    const wanted = this.#drawing.markers.filter(({ state }) => state).map(inPixels);
    return placeLabels(wanted, [], area).map((label) =>
      svg(
        'text',
        {
          class: 'label',
          transform: `translate(${label.x * scale} ${label.y * scale}) scale(${scale})`,
          'text-anchor': label.anchor,
        },
        label.text,
      ),
    );
  }

  #project(place: readonly [number, number]): readonly [number, number] {
    return projection([...place]) ?? [0, 0];
  }

  #nearest(event: MouseEvent): Marker | undefined {
    const matrix = this.#svg.getScreenCTM();
    if (!matrix) return undefined;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let best: { marker: Marker; distance: number } | undefined;
    for (const marker of this.#drawing.markers) {
      const [markerX, markerY] = this.#project(marker.place);
      // A marker goes before a faint dot.
      const distance = Math.hypot(markerX - x, markerY - y) / this.#unitsPerPixel + (marker.state ? 0 : 4);
      if (distance <= reach && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { marker, distance };
    }
    return best?.marker;
  }

  #point(event: PointerEvent): void {
    const marker = this.#nearest(event);
    this.#svg.classList.toggle('over', marker !== undefined);
    if (!marker || event.pointerType === 'touch') {
      this.#tip.setAttribute('hidden', '');
      return;
    }
    this.#tip.replaceChildren(el('strong', {}, marker.label), el('span', {}, marker.words));
    this.#tip.removeAttribute('hidden');
    const { left, top, width } = this.#svg.getBoundingClientRect();
    const x = Math.min(event.clientX - left + 14, Math.max(0, width - this.#tip.offsetWidth));
    this.#tip.style.transform = `translate(${x}px, ${event.clientY - top + 14}px)`;
  }
}

/** Without Antarctica, which has no region and takes much room. */
function outline(): string {
  const features = feature(land, land.objects.land).features;
  const polygons = features.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return [geometry.coordinates];
    return geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  });
  const coordinates = polygons.filter(([shore = []]) => shore.some(([, latitude = 0]) => latitude > -60));
  return path({ type: 'MultiPolygon', coordinates }) ?? '';
}

/** Bent upwards a little, so that lines to neighbours can be told apart. A great circle might leave the map at its edge. */
function arc([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): string {
  const bend = Math.hypot(x2 - x1, y2 - y1) * 0.18;
  return `M${x1} ${y1}Q${(x1 + x2) / 2} ${(y1 + y2) / 2 - bend} ${x2} ${y2}`;
}

function radiusOf(count: number): number {
  return Math.min(16, 8.5 + Math.log2(count));
}

/** A number in a circle, with the sign of the state that needs attention most. */
function bubble(state: RegionState, home: boolean, count: number): SVGElement[] {
  const radius = radiusOf(count);
  const badge = svg('g', { transform: `translate(${radius * 0.8} ${-radius * 0.8}) scale(.75)` }, sign(state));
  return [
    svg('circle', { class: `bubble ${state}`, r: radius, ...(home && { 'data-home': '' }) }),
    svg('text', { class: 'count', 'text-anchor': 'middle', y: 4 }, String(count)),
    ...(state === 'Ready' ? [] : [badge]),
  ];
}

/** The rectangle around a part of the world, in the map's units. */
function boxOf(name: string): { x: number; y: number; width: number; height: number } {
  const [west, north, east, south] = parts[name] ?? [-180, 90, 180, -90];
  const points: [number, number][] = [];
  const middle = (west + east) / 2;
  for (const longitude of [west, middle, east])
    for (const latitude of [north, 0, south]) points.push(projection([longitude, latitude]) ?? [0, 0]);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const x = name === 'World' ? 0 : Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, width: name === 'World' ? width : Math.max(...xs) - x, height: Math.max(...ys) - y };
}
