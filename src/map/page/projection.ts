// Where places, the land and the parts of the world are on the map, in the map's own units. Pure.
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import land110 from 'world-atlas/land-110m.json' with { type: 'json' };
import type { Box } from './labels.ts';
import type { Point } from './spread.ts';

export type Place = readonly [longitude: number, latitude: number];

const width = 960;
// Its edge is at 169° west, in the Bering Strait, so that it cuts no land with regions.
const projection = geoNaturalEarth1().rotate([-11, 0]).fitWidth(width, { type: 'Sphere' });
const path = geoPath(projection).digits(1);
const topology = land110 as unknown as Topology<{ land: GeometryCollection }>;

/** West, north, east, south in degrees. The first is shown at first. */
const parts: Readonly<Record<string, readonly [number, number, number, number]>> = {
  World: [-168, 79, 180, -56],
  Americas: [-128, 58, -32, -40],
  Europe: [-11, 63, 25, 38],
  'Middle East, Africa': [-20, 38, 60, -37],
  'Asia, Pacific': [66, 46, 180, -46],
};
export const partNames = Object.keys(parts);

export function pointOf(place: Place): Point {
  const [x, y] = projection([...place]) ?? [0, 0];
  return { x, y };
}

/** The rectangle around a part of the world. */
export function boxOfPart(name: string): Box {
  const [west, north, east, south] = parts[name] ?? [-180, 90, 180, -90];
  const points: Point[] = [];
  const steps = [0, 0.25, 0.5, 0.75, 1];
  for (const share of steps) {
    const longitude = west + share * (east - west);
    for (const other of steps) points.push(pointOf([longitude, north + other * (south - north)]));
  }
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** The land as an SVG path, without Antarctica, which has no region and takes much room. */
export function outlineOfLand(): string {
  const polygons = feature(topology, topology.objects.land).features.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return [geometry.coordinates];
    return geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  });
  const coordinates = polygons.filter(([shore = []]) => shore.some(([, latitude = 0]) => latitude > -60));
  return path({ type: 'MultiPolygon', coordinates }) ?? '';
}
