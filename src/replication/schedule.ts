// Decides which wanted steps run in this pass, and what the others wait for. The registry always keeps one replica that a
// GET shows serving. Pure; it adds no steps.

import { isInMotion, isServing, type Region } from './regions.ts';
import type { Hold, Step } from './step.ts';

/**
 * Holds steps without a free slot, steps in regions whose GET failed, and steps that would leave the registry without a
 * replica that a GET shows serving.
 */
export function schedule(
  wanted: readonly Step[],
  regions: readonly Region[],
  maxParallelActions: number,
): { steps: Step[]; confirm: string[] } {
  const moving = regions.filter(isInMotion).map(({ location }) => location);
  const enabling = wanted.filter((step) => !step.hold && enablesRouting(step)).map(({ location }) => location);
  const confirm: string[] = [];
  const touched: string[] = [];

  const holdFor = (step: Step): Hold | undefined => {
    const region = regions.find(({ location }) => location === step.location);
    if (region?.failedGet) return { waitsFor: [], message: `waits for an answer: ${region.failedGet.message}` };
    if (moving.length >= maxParallelActions)
      return {
        waitsFor: [...moving],
        message: `waits for its turn: at most ${maxParallelActions} replicas of a registry change at a time`,
      };
    if (!takesOutOfService(step)) return undefined;
    if (enabling.length > 0) return { waitsFor: enabling, message: `waits until ${enabling.join(', ')} is routed` };
    const others = regions.filter(({ location }) => location !== step.location && !touched.includes(location));
    const serving = others.filter((region) => isServing(region) && !region.failedGet);
    if (serving.some(({ confirmed }) => confirmed)) return undefined;
    const [candidate] = serving;
    if (candidate) {
      confirm.push(candidate.name);
      return {
        waitsFor: [candidate.location],
        message: `waits until a GET shows ${candidate.location} routed and ready`,
      };
    }
    if (region && !region.confirmed) confirm.push(step.name);
    return holdLastServing(step, others, wanted);
  };

  const admit = (step: Step): Step[] => {
    if (step.hold) return [step];
    const hold = holdFor(step);
    if (hold) {
      const { now, later } = splitUpdate(step);
      return [...now.flatMap(admit), { ...later, hold }];
    }
    if (!isProven(step, regions)) confirm.push(step.name);
    moving.push(step.location);
    touched.push(step.location);
    return [step];
  };
  const steps = wanted.flatMap(admit);
  return { steps, confirm };
}

function isProven(step: Step, regions: readonly Region[]): boolean {
  return regions.some(({ location, confirmed }) => location === step.location && confirmed);
}

function enablesRouting(step: Step): boolean {
  return step.action === 'update' && step.change.routing === true;
}

/** True if the step takes a replica out of service. */
function takesOutOfService(step: Step): boolean {
  return step.action === 'delete' || (step.action === 'update' && step.change.routing === false);
}

/** Splits an update, so that the tags need not wait with the routing. */
function splitUpdate(step: Step): { now: Step[]; later: Step } {
  if (step.action !== 'update' || step.change.routing !== false || !step.change.tags) return { now: [], later: step };
  const { routing, tags } = step.change;
  return {
    now: [{ ...step, change: { tags }, message: 'set tags' }],
    later: { ...step, change: { routing }, message: 'turn routing off' },
  };
}

/** Without another serving replica, waits for one that may serve soon, or asks the user to choose. */
function holdLastServing(step: Step, others: readonly Region[], wanted: readonly Step[]): Hold {
  const reduced = new Set(wanted.filter(takesOutOfService).map(({ location }) => location));
  const coming = others.filter((region) => !reduced.has(region.location) && mayServeSoon(region));
  const waitsFor = coming.map(({ location }) => location);
  if (waitsFor.length > 0)
    return {
      waitsFor,
      message: `waits until ${waitsFor.join(' or ')} is routed and ready: the registry must keep one such replica`,
    };
  const change = step.action === 'delete' ? 'its deletion' : 'routing off';
  return {
    waitsFor: [],
    reason: 'LastRoutedRegion',
    message: `no other replica is routed and ready: ${change} would cut clients off. Set routing: Enabled for this region or another; the home region can be listed for it`,
  };
}

function mayServeSoon({ home, spec, replica, state, failedGet, previous }: Region): boolean {
  if (failedGet) return home || previous?.routing !== 'Disabled';
  if (state === 'Failed' || state === 'Deleting') return false;
  if (!spec) return replica?.routing === true;
  return spec.routing === undefined ? replica?.routing !== false : spec.routing !== 'Disabled';
}
