// Places the markers of a drawing, and makes their SVG elements and those of lines and names. Places are in pixels; `scale` is the map's
// units in a pixel, so that signs keep their size in each part of the world.
import type { RegionState } from '../../api/registryreplication.ts';
import { svg } from './dom.ts';
import { type Box, placeLabels } from './labels.ts';
import { type Place, pointOf } from './projection.ts';
import { bubble, bubbleRadius, sign } from './shapes.ts';
import { type Point, rememberingSpread } from './spread.ts';

export interface Marker {
  readonly location: string;
  readonly label: string;
  readonly place: Place;
  /** Undefined: a region without a replica. */
  readonly state?: RegionState;
  readonly home?: boolean;
  /** No source names it any more. */
  readonly unused?: boolean;
  /** How many replicas; undefined on the map of one registry. */
  readonly count?: number;
  /** What the pointer shows, and a screen reader says. */
  readonly words: string;
  /** Whether something follows when it is chosen. */
  readonly isChoice: boolean;
}

export interface Line {
  /** Locations. */
  readonly from: string;
  readonly to: string;
  readonly state: RegionState;
}

/** A marker where it is drawn, in pixels. */
export interface Placed extends Point {
  readonly marker: Marker;
  readonly radius: number;
  /** 1: as large as the sign is made. */
  readonly size: number;
  /** Where the region is, which is elsewhere if others are close. */
  readonly place: Point;
}

/** A sign that is further off its place, in pixels, has a line to it. */
const minLeader = 8;

const spread = rememberingSpread();

/** @param sight What can be seen. */
export function placeMarkers(markers: readonly Marker[], sight: Box, scale: number): Placed[] {
  const size = sizeIn(sight);
  const circles = markers.map((marker) => {
    const { x, y } = pointOf(marker.place);
    return { x: x / scale, y: y / scale, radius: radiusOf(marker) * size, size, marker };
  });
  const points = spread(circles, sight);
  return circles.map(({ x, y, ...circle }, index) => ({ ...circle, ...(points[index] ?? { x, y }), place: { x, y } }));
}

/** Signs are smaller on a phone. */
function sizeIn({ width }: Box): number {
  return Math.min(1, Math.max(0.7, width / 700));
}

function radiusOf({ state, home = false, unused = false, count }: Marker): number {
  if (!state) return 4;
  if (count !== undefined) return bubbleRadius(count) + 1;
  return home || unused ? 11 : 9;
}

export function drawSign({ marker, x, y, size }: Placed, scale: number): SVGGElement {
  const { location, state, home = false, unused = false, count, isChoice } = marker;
  const attributes = {
    'data-location': location,
    transform: `translate(${x * scale} ${y * scale}) scale(${scale * size})`,
    ...(isChoice ? { role: 'button' } : { 'aria-hidden': 'true' }),
  };
  const focus = svg('circle', { class: 'focus', r: 14 });
  if (state === undefined) return svg('g', attributes, focus, svg('circle', { class: 'dot', r: 2.5 }));
  return svg(
    'g',
    attributes,
    focus,
    ...(count === undefined ? [sign(state, { home, unused })] : bubble(state, home, count)),
  );
}

/** From the place of a region to its sign, if that had to give way to others. */
export function drawLeaders(placed: readonly Placed[], scale: number): SVGElement[] {
  return placed
    .filter(({ marker, place, x, y }) => marker.state && Math.hypot(x - place.x, y - place.y) > minLeader)
    .map(({ place, x, y }) => {
      const d = `M${place.x * scale} ${place.y * scale}L${x * scale} ${y * scale}`;
      return svg('path', { class: 'leader', d });
    });
}

export function drawLines(lines: readonly Line[], placed: readonly Placed[], scale: number): SVGElement[] {
  const points = new Map(placed.map(({ marker, x, y }) => [marker.location, { x: x * scale, y: y * scale }]));
  return lines.flatMap(({ from, to, state }) => {
    const [start, end] = [points.get(from), points.get(to)];
    return start && end ? [svg('path', { class: `line ${state}`, d: arc(start, end) })] : [];
  });
}

/** Bent upwards a little, so that lines to neighbours can be told apart. A great circle might leave the map at its edge. */
function arc(from: Point, to: Point): string {
  const bend = Math.hypot(to.x - from.x, to.y - from.y) * 0.18;
  return `M${from.x} ${from.y}Q${(from.x + to.x) / 2} ${(from.y + to.y) / 2 - bend} ${to.x} ${to.y}`;
}

/** @param sight What can be seen. */
export function drawNames(placed: readonly Placed[], sight: Box, scale: number): SVGElement[] {
  const wanted = placed
    .filter(({ marker }) => marker.state)
    // The last sign is on top, and the most important.
    .reverse()
    .map(({ marker, x, y, radius }) => ({ text: marker.label, x, y, radius }));
  return placeLabels(wanted, sight).map(({ text, x, y, anchor }) => {
    const transform = `translate(${x * scale} ${y * scale}) scale(${scale})`;
    return svg('text', { class: 'label', transform, 'text-anchor': anchor }, text);
  });
}
