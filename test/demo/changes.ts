// Renders the changes between two versions of the objects as lines of plain text, for logs, pipes and terminals without colours.
import type { NodeView, RegionView, View } from './view.ts';

const nameWidth = 24;
const stateWidth = 10;

/** The object's line first, then one per region that entered another state, in the order of the status. */
export function changesBetween(before: readonly View[], after: readonly View[]): string[] {
  const gone = before.filter(({ name }) => !after.some((view) => view.name === name));
  return [
    ...after.flatMap((view) =>
      changesOf(
        before.find(({ name }) => name === view.name),
        view,
      ),
    ),
    ...gone.map(({ name }) => line(name, 'is gone', '')),
  ];
}

/** A line per node that came, went or has another region. */
export function nodeChangesBetween(before: readonly NodeView[], after: readonly NodeView[]): string[] {
  const isSame = (one: NodeView) => (other: NodeView) => one.name === other.name && one.region === other.region;
  return [
    ...before
      .filter(({ name }) => !after.some((node) => node.name === name))
      .map(({ name }) => line(`node ${name}`, 'is gone', '')),
    ...after
      .filter((node) => !before.some(isSame(node)))
      .map(({ name, region }) => line(`node ${name}`, 'is in', region)),
  ];
}

function changesOf(before: View | undefined, after: View): string[] {
  const said = summary(after);
  const rows = new Map(before?.regions.map((region) => [region.location, region]));
  const left = [...rows.keys()].filter((location) => !after.regions.some((region) => region.location === location));
  return [
    ...(before && summary(before) === said ? [] : [said]),
    ...after.regions.flatMap((region) => {
      const text = ofRegion(region);
      const last = rows.get(region.location);
      return last && ofRegion(last) === text ? [] : [text];
    }),
    ...left.map((location) => line(location, 'is gone', '')),
  ];
}

function summary({ name, registry, phase, readyRegions }: View): string {
  return line(name, phase, readyRegions ? `${readyRegions} regions of ${registry} ready` : registry);
}

function ofRegion({ location, home, state, azure, need, message }: RegionView): string {
  const remarks = [azure && `Azure says ${azure}`, need, message].filter(Boolean).join('; ');
  return line(home ? `${location} (home)` : location, state, remarks);
}

function line(name: string, state: string, remark: string): string {
  return `${name.padEnd(nameWidth)} ${state.padEnd(stateWidth)} ${remark}`.trimEnd();
}
