import { expect } from 'chai';
import { group, plural, type RegistryReplication, type Status, version } from '../../../src/api/registryreplication.ts';
import { resource } from '../../../src/kubernetes/client/resource.ts';
import { writeStatusForAnyCrd } from '../../../src/operator/older-phases.ts';
import { type Asked, serverForEachTest } from '../kubernetes/client/scripted-api-server.ts';
import { anObject } from '../replication/fixtures.ts';

describe('the status of an object', () => {
  const api = serverForEachTest();

  const statusIn = ({ body }: Asked) => (body as RegistryReplication).status;

  /** Writes the status; resolves to what was sent, and to the code of the failure. `codes`: the answers. */
  async function write(status: Status, ...codes: number[]) {
    const replications = resource<RegistryReplication>(api.cluster, { group, version, plural });
    const written = writeStatusForAnyCrd(replications, anObject(), status).then(
      () => undefined,
      (error: { code: number }) => error.code,
    );
    const sent: (Status | undefined)[] = [];
    for (const code of codes) {
      const asked = await api.server.requests.next();
      sent.push(statusIn(asked));
      if (code === 200) asked.json(asked.body);
      else asked.refuse(code, 'refused');
    }
    return { sent, failure: await written };
  }

  it('is written as it is', async () => {
    const status: Status = { phase: 'Pruning', readyRegions: '1/1' };
    expect(await write(status, 200)).to.deep.equal({ sent: [status], failure: undefined });
  });

  it('has the phase that an older CRD knows where it refuses the new one', async () => {
    for (const [phase, older] of [
      ['Pruning', 'Syncing'],
      ['Degraded', 'Failed'],
    ] as const) {
      const { sent, failure } = await write({ phase, readyRegions: '1/1' }, 422, 200);
      expect(sent[1]).to.deep.equal({ phase: older, readyRegions: '1/1' });
      expect(failure).to.equal(undefined);
    }
  });

  it('is not written again after another refusal', async () => {
    expect(await write({ phase: 'Ready' }, 422)).to.include({ failure: 422 });
    expect(await write({ phase: 'Pruning' }, 422, 422)).to.include({ failure: 422 });
    expect(await write({ phase: 'Pruning' }, 403)).to.include({ failure: 403 });
  });
});
