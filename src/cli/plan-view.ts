// What the operator would still do to each object, from status.plan: as JSON, and as lines of a diff. Pure.
import type { NeededBy, PlanEntry, RegistryReplication, SourceStatus } from '../api/registryreplication.ts';
import { inStates } from '../replication/messages.ts';
import { describeNeed, describeSource, unusedIn } from '../replication/needs.ts';
import type { Style } from './output.ts';
import { problemOf } from './problem.ts';
import { resumeCommand } from './resource-name.ts';
import { oneLine } from './safe-text.ts';

/** The plan of one object; this is also its JSON. */
export interface PlanView {
  readonly namespace: string;
  readonly object: string;
  readonly registry: string;
  /** False until a pass has answered the last edit of the spec: the steps are then those of an older spec. */
  readonly current: boolean;
  /** True: the operator takes none of the steps until the object is resumed. */
  readonly suspended: boolean;
  /** In mode Observe the operator takes none of the steps. */
  readonly mode: 'Manage' | 'Observe';
  readonly steps: readonly PlanStep[];
  /** The sources that the object follows, as in the status; omitted if it follows none. */
  readonly sources?: readonly SourceStatus[];
  /** Regions that no source names any more, and that stay for a while. */
  readonly kept?: readonly KeptRegion[];
  /** What Azure works on, or what is wrong, in regions without a step: "synchronising japaneast". */
  readonly others?: string;
  /** What keeps the object from being ready, or the operator from making a plan: the reason and message of Ready. */
  readonly problem?: string;
}

export interface PlanStep extends PlanEntry {
  /** The sources that name the region of a creation, as in the status. */
  readonly neededBy?: readonly NeededBy[];
}

export interface KeptRegion {
  readonly location: string;
  readonly unusedSince: string;
  readonly keptFor: string;
}

export interface StyledLine {
  readonly text: string;
  readonly style?: Style;
}

export function planView(object: RegistryReplication): PlanView {
  const { metadata, spec, status } = object;
  const steps = (status?.plan ?? []).map((step) => ({ ...step, ...needOf(object, step) }));
  const problem = problemOf(object);
  // The problem tells of regions that are Absent or Failed.
  const told = ['Ready', ...(problem === undefined ? [] : ['Absent', 'Failed'])];
  const others = (status?.regions ?? []).filter(
    ({ location, state }) => !told.includes(state) && !steps.some((step) => step.location === location),
  );
  return {
    namespace: metadata.namespace,
    object: metadata.name,
    registry: spec.registry.name,
    current: status?.observedGeneration === metadata.generation,
    suspended: spec.suspend ?? false,
    mode: spec.mode ?? 'Manage',
    steps,
    ...(status?.sources?.length && { sources: status.sources }),
    ...keptIn(object),
    ...(others.length > 0 && { others: inStates(others) }),
    ...(problem !== undefined && { problem }),
  };
}

function needOf({ status }: RegistryReplication, { action, location }: PlanEntry): Pick<PlanStep, 'neededBy'> {
  const neededBy = status?.regions?.find((row) => row.location === location)?.neededBy;
  return action === 'create' && neededBy ? { neededBy } : {};
}

function keptIn({ spec, status }: RegistryReplication): Pick<PlanView, 'kept'> {
  const kept = (status?.regions ?? []).flatMap((row): KeptRegion[] => {
    const { unusedSince, keptFor } = unusedIn(spec, row);
    return unusedSince && keptFor ? [{ location: row.location, unusedSince, keptFor }] : [];
  });
  return kept.length > 0 ? { kept } : {};
}

/** True if there is something to do, if a problem is in the way, or if nothing is known of the last edit. */
export function hasWork({ current, steps, problem }: PlanView): boolean {
  return !current || steps.length > 0 || problem !== undefined;
}

const signs = {
  create: { sign: '+', style: 'green' },
  update: { sign: '~', style: 'yellow' },
  delete: { sign: '-', style: 'red' },
} as const satisfies Record<PlanEntry['action'], { sign: string; style: Style }>;

/** The object's line, its steps, and what keeps the operator from them. */
export function planLines(view: PlanView): StyledLine[] {
  const { namespace, object, registry, steps } = view;
  const width = Math.max(0, ...steps.map(({ location }) => oneLine(location).length));
  const heading = oneLine(`${namespace}/${object} (registry ${registry})`);
  return [
    { text: hasWork(view) ? heading : `${heading}: nothing to do`, style: 'bold' },
    ...remarks(view).map((remark) => ({ text: `  # ${oneLine(remark)}`, style: 'dim' as const })),
    ...steps.map((step) => stepLine(step, width)),
  ];
}

function stepLine({ action, location, message, neededBy = [] }: PlanStep, width: number): StyledLine {
  const { sign, style } = signs[action];
  const need = neededBy.length > 0 ? `; needed by ${neededBy.map((one) => describeNeed(one)).join(' and ')}` : '';
  return { text: `  ${sign} ${oneLine(location).padEnd(width)}   ${oneLine(`${message ?? action}${need}`)}`, style };
}

function remarks({ current, suspended, mode, others, problem, sources = [], kept = [], ...view }: PlanView): string[] {
  return [
    ...(current ? [] : ['the operator has not answered the last edit yet; these are the steps before it']),
    ...(suspended
      ? [`suspended: the operator takes no step until: ${resumeCommand(view.object, view.namespace)}`]
      : []),
    ...(mode === 'Observe' ? ['mode Observe: the operator only shows the steps'] : []),
    ...(others === undefined ? [] : [others]),
    ...(problem === undefined ? [] : [problem]),
    ...kept.map(
      ({ location, unusedSince, keptFor }) =>
        `keeping ${location} for ${keptFor}: no source has named it since ${unusedSince}`,
    ),
    ...sources.map((source) => `source ${describeSource(source, problem)}`),
  ];
}

/** `1 to create, 2 to change, 1 to delete.` */
export function planSummary(views: readonly PlanView[]): string {
  const steps = views.flatMap(({ steps }) => steps);
  const count = (action: PlanEntry['action']) => steps.filter((step) => step.action === action).length;
  if (steps.length > 0)
    return `Plan: ${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete.`;
  if (!views.every(({ current }) => current)) return 'Plan: not known yet.';
  return views.some(hasWork) ? 'Plan: blocked, see above.' : 'Plan: nothing to do.';
}
