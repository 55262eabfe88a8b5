// Waits after the faults until Kubernetes and Azure match the desired state.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { ArmEmulator } from '../emulators/arm/emulator.ts';
import type { Intent } from './desired-state.ts';
import { wrongObjects, wrongReplicas } from './verdict.ts';
import type { People } from './workload.ts';

export interface Calm {
  /** How long it took; Infinity on timeout. */
  readonly ms: number;
  /** Descriptions of mismatches; empty on success. */
  readonly wrongObjects: readonly string[];
  readonly wrongReplicas: readonly string[];
}

/** @param patience ms */
export async function calm(
  people: People,
  arm: ArmEmulator,
  intents: readonly Intent[],
  patience: number,
): Promise<Calm> {
  const from = performance.now();
  for (;;) {
    const objects: RegistryReplication[] = await people.objects();
    const wrong = {
      wrongObjects: wrongObjects(intents, objects),
      wrongReplicas: wrongReplicas(intents, ({ registry }) => arm.azure.replicas(registry)),
    };
    const ms = performance.now() - from;
    if (wrong.wrongObjects.length + wrong.wrongReplicas.length === 0) return { ...wrong, ms };
    if (ms > patience) return { ...wrong, ms: Number.POSITIVE_INFINITY };
    await sleep(250);
  }
}
