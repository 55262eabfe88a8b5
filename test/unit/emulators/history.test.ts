// The state of a registry's replicas at any earlier moment.
import { expect } from 'chai';
import { History, type ReplicaValues } from '../../emulators/arm/history.ts';
import type { Stage } from '../../emulators/arm/replica-lifecycle.ts';

describe('the history of emulated replicas', () => {
  const author = { id: 'someone', type: 'User' } as const;

  function replica(stage: Stage, routing = true): ReplicaValues {
    return {
      id: 'id',
      name: 'japaneast',
      location: 'japaneast',
      home: false,
      tags: {},
      routing,
      zoneRedundancy: 'Disabled',
      systemData: { createdBy: author, createdAt: 0, lastModifiedBy: author, lastModifiedAt: 0 },
      stage,
    };
  }

  it('computes the stages between two changes', () => {
    const history = new History();
    history.remember(10, [replica({ kind: 'Creating', since: 10, until: 20, sync: 5 })]);
    const kinds = [9, 10, 19, 20, 25].map((at) => history.asOf(at).map(({ stage }) => stage.kind));
    expect(kinds).to.deep.equal([[], ['Creating'], ['Creating'], ['Syncing'], ['Ready']]);
  });

  it('hides awaited and gone replicas, and knows when a replica appeared', () => {
    const history = new History();
    history.remember(0, [replica({ kind: 'Awaited', until: 4 })]);
    history.remember(10, [replica({ kind: 'Deleting', since: 10, until: 15 })]);
    expect(history.asOf(3)).to.deep.equal([]);
    expect(history.asOf(5)[0]?.systemData.createdAt).to.equal(4);
    expect(history.asOf(14)).to.have.length(1);
    expect(history.asOf(15)).to.deep.equal([]);
  });

  it('keeps the last of several changes at one moment', () => {
    const history = new History();
    const ready = { kind: 'Ready', since: 0 } as const;
    history.remember(7, [replica(ready, true)]);
    history.remember(7, [replica(ready, false)]);
    expect(history.asOf(7)[0]?.routing).to.equal(false);
    expect(history.asOf(6)).to.deep.equal([]);
  });

  it('drops the oldest of very many changes', () => {
    const history = new History();
    for (let at = 0; at <= 1_000; at++) history.remember(at, [replica({ kind: 'Ready', since: at })]);
    expect(history.asOf(0)).to.deep.equal([]);
    expect(history.asOf(1)).to.have.length(1);
  });
});
