// What the operator would still do to each object, from status.plan: as JSON, and as lines of a diff. Pure.
import type { PlanEntry, RegistryReplication } from '../api/registryreplication.ts';
import { inStates } from '../replication/messages.ts';
import { oneLine, type Style } from './output.ts';

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
  readonly steps: readonly PlanEntry[];
  /** What Azure works on, or what is wrong, in regions without a step: "synchronising japaneast". */
  readonly others?: string;
}

export interface StyledLine {
  readonly text: string;
  readonly style?: Style;
}

export function planView({ metadata, spec, status }: RegistryReplication): PlanView {
  const steps = status?.plan ?? [];
  const others = (status?.regions ?? []).filter(
    ({ location, state }) => state !== 'Ready' && !steps.some((step) => step.location === location),
  );
  return {
    namespace: metadata.namespace,
    object: metadata.name,
    registry: spec.registry.name,
    current: status?.observedGeneration === metadata.generation,
    suspended: spec.suspend ?? false,
    mode: spec.mode ?? 'Manage',
    steps,
    ...(others.length > 0 && { others: inStates(others) }),
  };
}

/** True if there is something to do, or if nothing is known of the last edit. */
export function hasWork({ current, steps }: PlanView): boolean {
  return !current || steps.length > 0;
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
    { text: steps.length === 0 && view.current ? `${heading}: nothing to do` : heading, style: 'bold' },
    ...remarks(view).map((remark) => ({ text: `  # ${oneLine(remark)}`, style: 'dim' as const })),
    ...steps.map((step) => stepLine(step, width)),
  ];
}

function stepLine({ action, location, message }: PlanEntry, width: number): StyledLine {
  const { sign, style } = signs[action];
  return { text: `  ${sign} ${oneLine(location).padEnd(width)}   ${oneLine(message ?? action)}`, style };
}

function remarks({ current, suspended, mode, others }: PlanView): string[] {
  return [
    ...(current ? [] : ['the operator has not answered the last edit yet; these are the steps before it']),
    ...(suspended ? ['suspended: the operator takes no step until: kubectl georep resume'] : []),
    ...(mode === 'Observe' ? ['mode Observe: the operator only shows the steps'] : []),
    ...(others === undefined ? [] : [others]),
  ];
}

/** `1 to create, 2 to change, 1 to delete.` */
export function planSummary(views: readonly PlanView[]): string {
  const steps = views.flatMap(({ steps }) => steps);
  const count = (action: PlanEntry['action']) => steps.filter((step) => step.action === action).length;
  if (steps.length > 0)
    return `Plan: ${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete.`;
  return views.every(({ current }) => current) ? 'Plan: nothing to do.' : 'Plan: not known yet.';
}
