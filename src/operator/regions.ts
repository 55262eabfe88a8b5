// Reads the regions of an object's subscription for the map, as a pass of the object would: with its identity, and only where a pass
// may ask Azure.
import { type RegistryReplication, serviceAccountOf } from '../api/registryreplication.ts';
import type { ArmClientPool } from '../azure/identity/arm-client-pool.ts';
import { type RegionCatalogs, tableCatalog } from '../azure/region-catalog.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';
import { errorMessage } from '../lib/sanitize.ts';
import type { RegionsOf } from '../map/regions.ts';
import { authorize, readingAge } from '../replication/authorization.ts';
import type { Context } from '../replication/context.ts';
import { problemsOf } from '../replication/validation.ts';
import type { Logger } from '../telemetry/logger.ts';
import { currentKey } from './azure.ts';

export interface RegionReaderOptions {
  readonly armClients: ArmClientPool;
  readonly catalogs: RegionCatalogs;
  readonly context: Pick<Context, 'rules' | 'namespaceOf'>;
  /** A standby asks Azure nothing. */
  readonly isWorking: () => boolean;
  readonly log: Logger;
}

/** One for all objects: a request that the rate limiter holds back must not delay their passes. */
const caller = { id: 'map', priority: 'background' } as const;

export function regionReader(options: RegionReaderOptions): RegionsOf {
  const { armClients, catalogs, isWorking, log } = options;
  return async (object) => {
    const { subscriptionId } = object.spec.registry;
    const account = serviceAccountOf(object);
    const known = catalogs.current(account, subscriptionId);
    if (known || !isWorking()) return known ?? tableCatalog;
    try {
      if (!(await mayAsk(object, options))) return tableCatalog;
      const acting = { account, leaving: false, age: readingAge(object) };
      const arm = armClients.armFor(acting, caller);
      return await currentKey.run(namespacedName(object), () => catalogs.regionsOf({ arm, account }, subscriptionId));
    } catch (error) {
      log.debug(
        { object: namespacedName(object), error: errorMessage(error) },
        'The regions for the map are not known',
      );
      return tableCatalog;
    }
  };
}

async function mayAsk(object: RegistryReplication, { context }: RegionReaderOptions): Promise<boolean> {
  if (problemsOf(object).length > 0 || object.spec.suspend) return false;
  return authorize(object, context.rules, await context.namespaceOf(object, readingAge(object))) === undefined;
}
