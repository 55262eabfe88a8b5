import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import { isConflict } from '../../../../src/kubernetes/client/errors.ts';
import type { Resource } from '../../../../src/kubernetes/client/resource.ts';
import { writeStatus } from '../../../../src/kubernetes/controller/status.ts';
import { type Widget, widget, widgets } from '../widget.ts';

describe('a status', () => {
  const bear = { ...widget('bear', '5'), status: { seen: 1 } };
  let written: Widget[];
  let stored: Widget;
  const api: Resource<Widget> = {
    kind: widgets,
    path: () => '',
    list: async () => ({ items: [] }),
    get: async () => structuredClone(stored),
    patch: async () => expect.fail('not a patch'),
    replaceStatus: async (object) => {
      written.push(object);
      const version = stored.metadata?.resourceVersion;
      if (object.metadata?.resourceVersion !== version) throw new ApiException(409, '', '{"reason":"Conflict"}', {});
      stored = { ...stored, ...(object.status && { status: object.status }) };
      return stored;
    },
  };
  const failure = () => writeStatus(api, bear, { seen: 2 }).catch((error: unknown) => error);
  beforeEach(() => {
    written = [];
    stored = structuredClone(bear);
  });

  it('is written to the version that the pass has read', async () => {
    expect((await writeStatus(api, bear, { seen: 2 })).status).to.deep.equal({ seen: 2 });
    expect(written).to.deep.equal([{ ...bear, status: { seen: 2 } }]);
  });

  it('survives an edit of the spec in the meantime, and leaves the edit alone', async () => {
    stored = { ...widget('bear', '6', { metadata: { generation: 2 } }), spec: { size: 9 }, status: { seen: 1 } };
    expect(await writeStatus(api, bear, { seen: 2 })).to.deep.include({ spec: { size: 9 }, status: { seen: 2 } });
  });

  it("yields to another writer's status, and to another object of the same name", async () => {
    stored = { ...widget('bear', '6'), status: { seen: 7 } };
    expect(isConflict(await failure())).to.equal(true);
    expect(stored.status).to.deep.equal({ seen: 7 });
    stored = { ...widget('bear', '6', { metadata: { uid: 'another' } }), status: { seen: 1 } };
    expect(isConflict(await failure())).to.equal(true);
    expect(written).to.have.length(2);
  });

  it('gives up after repeated conflicts, and leaves it to the next pass', async () => {
    const busy = {
      ...api,
      replaceStatus: () => Promise.reject(new ApiException(409, '', '{"reason":"Conflict"}', {})),
    };
    expect(isConflict(await writeStatus(busy, bear, { seen: 2 }).catch((error: unknown) => error))).to.equal(true);
  });
});
