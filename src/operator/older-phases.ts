// Writes the status of an object under any version of the CRD.
import type { Phase, RegistryReplication, Status } from '../api/registryreplication.ts';
import { isInvalid } from '../kubernetes/client/errors.ts';
import type { Resource } from '../kubernetes/client/resource.ts';
import { writeStatus } from '../kubernetes/controller/status.ts';

/** The phases that the oldest CRDs refuse, and what they have instead. */
const olderPhases: Partial<Record<Phase, Phase>> = { Pruning: 'Syncing', Degraded: 'Failed' };

/** As `writeStatus`. If an older CRD refuses the phase, it stores the one that this CRD has instead: a plan may wait for the status. */
export async function writeStatusForAnyCrd(
  replications: Resource<RegistryReplication>,
  object: RegistryReplication,
  status: Status,
): Promise<RegistryReplication> {
  try {
    return await writeStatus(replications, object, status);
  } catch (error) {
    const phase = status.phase && olderPhases[status.phase];
    if (phase === undefined || !isInvalid(error)) throw error;
    return writeStatus(replications, object, { ...status, phase });
  }
}
