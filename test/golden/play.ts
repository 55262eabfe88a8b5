// Gives an object the status and the events that the operator gives it. Azure's part is a model, and the clock is a fake one, so that
// the texts are the same at each run.
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { Replica } from '../../src/azure/arm.ts';
import type { ObjectEvent } from '../../src/replication/events.ts';
import type { SourceReading } from '../../src/replication/sources.ts';
import { FakeClock } from '../fake-clock.ts';
import { ArmModel } from '../unit/replication/arm-model.ts';
import { anObject, type aRegistry, aReplica, home, type ObjectParts } from '../unit/replication/fixtures.ts';
import { OperatorModel } from '../unit/replication/operator-model.ts';

export interface Scenario {
  readonly object: RegistryReplication;
  readonly events: readonly ObjectEvent[];
}

export interface Setting {
  readonly parts?: ObjectParts;
  /** When the first pass runs. */
  readonly start?: string;
  /** What the entries of spec.regionsFrom say at first. */
  readonly sources?: readonly SourceReading[];
  readonly replicas?: readonly Replica[];
  readonly registry?: ReturnType<typeof aRegistry>;
  /** Runs the passes; by default one. */
  readonly run?: (operator: OperatorModel, arm: ArmModel, clock: FakeClock) => Promise<void>;
}

export async function play(setting: Setting): Promise<Scenario> {
  const { parts, start = '2026-11-22T12:00:00Z', sources = [], replicas = [aReplica(home)], registry, run } = setting;
  const clock = new FakeClock(start);
  const arm = new ArmModel(clock, replicas, registry);
  const operator = new OperatorModel(anObject(parts), arm, clock);
  operator.sources = [...sources];
  await (run ?? (async () => void (await operator.pass())))(operator, arm, clock);
  return { object: operator.object, events: operator.events };
}
