// What a settled fleet costs: requests and CPU of each look at a registry.
import { registryAt } from '../arm.ts';
import type { Scenario } from '../scenario.ts';
import { createObject, fiveRegions, inLanes, isReady, listing, setUp } from '../setup.ts';

/** ms; the operator spreads its looks at one object by a tenth around it. */
const intervalMs = 10_000;

export const steady: Scenario = {
  name: 'steady',
  method:
    'Registries with five replicas that are Ready, and nothing to do but to look for drift at an interval of 10 s: requests and CPU of the operator during several intervals, divided by the number of its passes.',
  async measure({ ended, isQuick }) {
    const [registries, looks] = isQuick ? [50, 2] : [200, 12];
    const setup = await setUp(ended, { registries, replicas: fiveRegions });
    const operator = await setup.operator('--interval', `${intervalMs / 1_000}s`);
    await inLanes(registries, (index) => createObject(setup.send, index, listing(fiveRegions)));
    for (let index = 0; index < registries; index++) await setup.seen(registryAt(index).name, isReady);
    await operator.pause(2 * intervalMs);

    const usage = async () => ({
      passes: await operator.metric('controller_runtime_reconcile_total'),
      toApiServer: await operator.metric('rest_client_requests_total'),
      toArm: await setup.arm.totals(),
      cpuMs: (await operator.cpuSeconds()) * 1_000,
    });
    const before = await usage();
    await operator.pause(looks * intervalMs);
    const after = await usage();
    const passes = after.passes - before.passes;
    const { reads, writes } = after.toArm;
    return [
      { what: 'passes of a registry an interval', value: passes / registries / looks, unit: 'passes' },
      { what: 'reads at ARM a pass', value: (reads - before.toArm.reads) / passes, unit: 'requests' },
      { what: 'writes at ARM', value: writes - before.toArm.writes, unit: 'requests' },
      {
        what: 'requests to the API server a pass',
        value: (after.toApiServer - before.toApiServer) / passes,
        unit: 'requests',
      },
      { what: 'CPU a pass', value: (after.cpuMs - before.cpuMs) / passes, unit: 'ms' },
    ];
  },
};
