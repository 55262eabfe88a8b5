// Waits after the faults until Kubernetes and Azure match the desired state.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { ArmEmulator } from '../emulators/arm/emulator.ts';
import type { DesiredState } from './desired-state.ts';
import { wrongObjects, wrongReplicas } from './mismatches.ts';
import type { Workload } from './workload.ts';

export interface Recovery {
  /** How long it took; Infinity on timeout. */
  readonly ms: number;
  /** Descriptions of mismatches; empty on success. */
  readonly wrongObjects: readonly string[];
  readonly wrongReplicas: readonly string[];
}

/**
 * @param patience ms
 * @param pollMs longer for many objects: the test's process reads them all each time
 */
export async function waitForRecovery(
  workload: Workload,
  arm: ArmEmulator,
  desiredStates: readonly DesiredState[],
  patience: number,
  pollMs = 250,
): Promise<Recovery> {
  const from = performance.now();
  for (;;) {
    const objects: RegistryReplication[] = await workload.objects();
    const wrong = {
      wrongObjects: wrongObjects(desiredStates, objects),
      wrongReplicas: wrongReplicas(desiredStates, ({ registry }) => arm.azure.replicas(registry)),
    };
    const ms = performance.now() - from;
    if (wrong.wrongObjects.length + wrong.wrongReplicas.length === 0) return { ...wrong, ms };
    if (ms > patience) return { ...wrong, ms: Number.POSITIVE_INFINITY };
    await sleep(pollMs);
  }
}
