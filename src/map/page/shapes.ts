// The sign of each state: a shape of its own, so that no one has to tell states by colour.
import type { RegionState } from '../../api/registryreplication.ts';
import { svg } from './dom.ts';

export const states: readonly RegionState[] = [
  'Ready',
  'Syncing',
  'Creating',
  'Updating',
  'Absent',
  'Deleting',
  'Failed',
];

export const meaning: Readonly<Record<RegionState, string>> = {
  Ready: 'provisioned and synchronised',
  Syncing: 'content is on its way',
  Creating: 'being created',
  Updating: 'being changed',
  Absent: 'wanted, not there',
  Deleting: 'being deleted',
  Failed: 'failed',
};

/** What a region is besides its state. An unused one is never home. */
export interface SignMarks {
  readonly home?: boolean;
  /** No source names it any more. */
  readonly unused?: boolean;
}

/** The sign around 0,0, about 14 units wide. */
export function sign(state: RegionState, { home = false, unused = false }: SignMarks = {}): SVGGElement {
  const group = svg('g', { class: `sign ${state}` });
  if (home) group.append(svg('rect', { class: 'home', x: -10, y: -10, width: 20, height: 20, rx: 4 }));
  if (unused) group.append(svg('circle', { class: 'unused', r: 9.5, 'stroke-dasharray': '2.5 2.5' }));
  group.append(...shapes[state]());
  return group;
}

const ring = (dashes?: string) => svg('circle', { class: 'ring', r: 6, ...(dashes && { 'stroke-dasharray': dashes }) });
const stroke = (d: string) => svg('path', { class: 'stroke', d });
const solid = (d: string) => svg('path', { class: 'solid', d });

const shapes: Readonly<Record<RegionState, () => SVGElement[]>> = {
  Ready: () => [svg('circle', { class: 'solid', r: 6.5 }), svg('path', { class: 'mark', d: 'M-3 .2-.8 2.4 3-2.2' })],
  Syncing: () => [ring(), solid('M0-6A6 6 0 0 1 0 6Z')],
  Creating: () => [ring('3 2.2'), stroke('M0-3V3M-3 0H3')],
  Updating: () => [solid('M0-8 8 0 0 8-8 0Z')],
  Absent: () => [ring('1.6 2.2')],
  Deleting: () => [ring(), stroke('M-3 0H3')],
  Failed: () => [solid('M0-8 8 6H-8Z'), svg('path', { class: 'mark', d: 'M0-3.2V1.4M0 3.6V4' })],
};

/** The sign for a line of text; the words beside it say the same. */
export function icon(state: RegionState, marks: SignMarks = {}): SVGSVGElement {
  return svg('svg', { class: 'icon', viewBox: '-11 -11 22 22', 'aria-hidden': 'true' }, sign(state, marks));
}

export function bubbleRadius(count: number): number {
  return Math.min(16, 8.5 + Math.log2(count));
}

/** A number in a circle, with the sign of the state that needs attention most. */
export function bubble(state: RegionState, home: boolean, count: number): SVGElement[] {
  const radius = bubbleRadius(count);
  const badge = svg('g', { transform: `translate(${radius * 0.8} ${-radius * 0.8}) scale(.75)` }, sign(state));
  return [
    svg('circle', { class: `bubble ${state}`, r: radius, ...(home && { 'data-home': '' }) }),
    svg('text', { class: 'count', 'text-anchor': 'middle', y: 4 }, String(count)),
    ...(state === 'Ready' ? [] : [badge]),
  ];
}
