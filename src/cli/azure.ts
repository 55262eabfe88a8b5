// Azure as a verb sees it: the cloud that the environment names, and the caller's own credential, so that `az login` serves.
import { ArmError } from '../azure/arm.ts';
import type { Cloud } from '../azure/cloud.ts';
import { azureFrom } from '../azure/environment.ts';
import { defaultCredential } from '../azure/identity/credential.ts';
import type { Credential } from '../azure/identity/token-cache.ts';
import { createInventory, type Inventory } from '../azure/inventory.ts';
import { errorMessage } from '../lib/sanitize.ts';
import { CliError } from './session.ts';

export interface CallersAzure {
  readonly cloud: Cloud;
  readonly credential: Credential;
  readonly inventory: Inventory;
}

/** Runs `use` with the caller's rights in Azure, and closes the connections. An ArmError becomes a CliError. */
export async function withAzure<T>(use: (azure: CallersAzure) => Promise<T>): Promise<T> {
  const cloud = callersCloud();
  const credential = defaultCredential(cloud);
  const inventory = createInventory({ credential, cloud, identityLabel: 'your identity', userAgent: 'kubectl-georep' });
  try {
    return await use({ cloud, credential, inventory });
  } catch (error) {
    throw error instanceof ArmError ? new CliError(azureMessage(error)) : error;
  } finally {
    inventory.close();
  }
}

export function azureMessage({ reason, message }: ArmError): string {
  return reason === 'AuthenticationFailed' ? `${message}; to use your own account: az login` : message;
}

/** By the operator's own variables (docs/reference.md). @throws CliError */
function callersCloud(): Cloud {
  try {
    return azureFrom(process.env);
  } catch (error) {
    throw new CliError(errorMessage(error));
  }
}
