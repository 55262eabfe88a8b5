import { expect } from 'chai';
import { type Cluster, connect } from '../../../src/kubernetes/cluster.ts';
import { isTerminating } from '../../../src/kubernetes/crd.ts';
import { type EventNews, type EventRecorder, eventRecorder } from '../../../src/kubernetes/events.ts';
import { FakeClock } from '../../fake-clock.ts';
import { LogJournal } from './journal.ts';
import { ScriptedApiServer } from './scripted-api-server.ts';
import { widget } from './widget.ts';

describe('an event', () => {
  let server: ScriptedApiServer;
  let cluster: Cluster;
  let clock: FakeClock;
  let log: LogJournal;
  let events: EventRecorder;
  const ready: EventNews = { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' };

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = connect(server.kubeConfig);
    clock = new FakeClock();
    log = new LogJournal();
    events = eventRecorder({ cluster, controller: 'example.dev/controller', instance: 'pod-1', clock, log });
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });

  it('is written through events.k8s.io/v1 about the object', async () => {
    events.record(widget('bear', '5'), ready);
    const asked = await server.requests.next();
    expect(`${asked.method} ${asked.url.pathname}`).to.equal('POST /apis/events.k8s.io/v1/namespaces/toys/events');
    const { metadata, ...body } = asked.body as { metadata: { name: string; namespace: string } };
    expect(metadata.name).to.match(/^bear\.[0-9a-f-]{36}$/);
    expect(metadata.namespace).to.equal('toys');
    expect(body).to.deep.equal({
      ...ready,
      eventTime: '2026-11-22T00:00:00.000000Z',
      reportingController: 'example.dev/controller',
      reportingInstance: 'pod-1',
      regarding: {
        apiVersion: 'example.dev/v1',
        kind: 'Widget',
        namespace: 'toys',
        name: 'bear',
        uid: 'uid-bear',
        resourceVersion: '5',
      },
    });
    asked.json({}, 201);
    expect(await events.flush(1000)).to.equal(0);
  });

  it('has its note cut to 1 kB without breaking a character, and its name to 253', async () => {
    events.record(widget('x'.repeat(253), '5'), { ...ready, note: '日'.repeat(1000) });
    const asked = await server.requests.next();
    const { metadata, note } = asked.body as { metadata: { name: string }; note: string };
    expect(note).to.equal(`${'日'.repeat(340)}…`);
    expect(metadata.name).to.have.length(253);
    asked.json({}, 201);
  });

  it('is sent after the one before, and lost with one line for a whole outage', async () => {
    for (const note of ['first', 'second', 'third', 'fourth']) events.record(widget('bear', '5'), { ...ready, note });
    const notes: unknown[] = [];
    for (const code of [500, 403, 201, 201]) {
      const asked = await server.requests.next();
      notes.push((asked.body as { note: string }).note);
      if (code === 201) asked.json({}, 201);
      else asked.refuse(code, 'no');
    }
    expect(await events.flush(1000)).to.equal(0);
    expect(notes).to.deep.equal(['first', 'second', 'third', 'fourth']);
    expect(log.all.map(({ sentence }) => sentence)).to.deep.equal([
      'An event was lost: the API server answered 500 Internal Server Error: no',
      'Events are written again; 2 were lost',
    ]);
  });

  it('is dropped rather than kept without bound while the API server is slow', async () => {
    for (let i = 0; i < 1003; i++) events.record(widget('bear', '5'), ready);
    await server.requests.next();
    expect(log.all.map(({ sentence }) => sentence)).to.deep.equal([
      'An event was lost: 1000 of them wait for the API server',
    ]);
    const flushed = events.flush(500);
    await clock.advance(500);
    expect(await flushed).to.equal(1000);
    expect(await eventRecorder({ cluster, controller: 'c', instance: 'i', clock, log }).flush(1)).to.equal(0);
  });
});

describe('a CRD', () => {
  let server: ScriptedApiServer;
  let cluster: Cluster;
  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = connect(server.kubeConfig);
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });

  it('is terminating when it is being deleted or gone, and neither when nobody can tell', async () => {
    const ask = async (answer: (asked: Awaited<ReturnType<typeof server.requests.next>>) => void) => {
      const result = isTerminating(cluster, 'widgets.example.dev').catch((error: { code: number }) => error.code);
      const asked = await server.requests.next();
      expect(asked.url.pathname).to.equal(
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.dev',
      );
      answer(asked);
      return result;
    };
    expect(await ask((asked) => asked.json({ metadata: {} }))).to.equal(false);
    expect(await ask((asked) => asked.json({ metadata: { deletionTimestamp: '2026-11-22T00:00:00Z' } }))).to.equal(
      true,
    );
    expect(await ask((asked) => asked.refuse(404, 'not found'))).to.equal(true);
    expect(await ask((asked) => asked.refuse(403, 'forbidden'))).to.equal(403);
  });
});
