// An operator with one object that follows nodes, on a fake clock and a model of ARM.
import type { Spec } from '../../../src/api/registryreplication.ts';
import type { SourceReading } from '../../../src/replication/sources.ts';
import { FakeClock } from '../../fake-clock.ts';
import { isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

/** Three nodes in each of these regions. */
export function nodesIn(...locations: string[]): SourceReading {
  return { state: 'Synced', values: new Map(locations.map((location) => [location, { count: 3 }])) };
}

/** `regions`: what spec.regions lists. `passes` runs the passes of so many ms. */
export function anOperator(spec: Partial<Spec> = {}, regions: string[] = []) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, []);
  const object = anObject({ regions, spec: { regionsFrom: [{ nodes: {} }], keepUnused: '24h', ...spec } });
  const operator = new OperatorModel(object, arm, clock);
  const settle = () => operator.runUntil(() => isSettled(operator));
  const passes = async (ms: number) => {
    const until = clock.now().getTime() + ms;
    while (clock.now().getTime() < until)
      await clock.advance(Math.min((await operator.pass()) ?? ms, until - clock.now().getTime()));
    await operator.pass();
  };
  const row = (location: string) => operator.status.regions?.find((one) => one.location === location);
  const deletions = () => arm.writes.filter((write) => write.startsWith('delete'));
  return { clock, arm, operator, settle, passes, row, deletions };
}
