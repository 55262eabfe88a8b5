import { expect } from 'chai';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { toEvent } from '../../../../src/kubernetes/events/event.ts';
import { createEventWriter, type EventSeries, type EventWriter } from '../../../../src/kubernetes/events/writer.ts';
import { type Asked, ScriptedApiServer } from '../client/scripted-api-server.ts';
import { widget } from '../widget.ts';

describe('the event writer', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let write: EventWriter;
  const path = '/apis/events.k8s.io/v1/namespaces/toys/events';
  const now = Date.parse('2026-11-22T00:00:00Z');
  const event = toEvent(
    widget('bear', '5'),
    { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' },
    { controller: 'example.dev/controller', instance: 'pod-1' },
    now,
    () => 0,
  );
  const { name } = event.metadata ?? {};
  const body = JSON.parse(JSON.stringify(event));
  const series = { count: 3, lastObservedTime: '2026-11-22T00:05:00.000000Z' };
  const occurred = (count: number, written: number): EventSeries => ({
    event,
    count,
    lastObservedMs: now + 300_000,
    written,
  });
  const seen = ({ method, url, body }: Asked) => ({ asked: `${method} ${url.pathname}`, body });
  const exists = (asked: Asked) => asked.json({ kind: 'Status', reason: 'AlreadyExists', message: 'exists' }, 409);

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
    write = createEventWriter(cluster);
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });

  it('creates a first occurrence through events.k8s.io/v1', async () => {
    const count = write(occurred(1, 0));
    const asked = await server.requests.next();
    expect(seen(asked)).to.deep.equal({ asked: `POST ${path}`, body });
    asked.json({}, 201);
    expect(await count).to.equal(1);
  });

  it('creates a series for an event that was repeated before it was written', async () => {
    const count = write(occurred(3, 0));
    const asked = await server.requests.next();
    expect(seen(asked)).to.deep.equal({ asked: `POST ${path}`, body: { ...body, series } });
    asked.json({}, 201);
    expect(await count).to.equal(3);
  });

  it('updates count and time of a repeated event by a merge patch', async () => {
    const count = write(occurred(3, 1));
    const asked = await server.requests.next();
    expect(seen(asked)).to.deep.equal({ asked: `PATCH ${path}/${name}`, body: { series } });
    expect(asked.headers['content-type']).to.equal('application/merge-patch+json');
    asked.json({});
    expect(await count).to.equal(3);
  });

  it('creates an expired or deleted event again', async () => {
    const count = write(occurred(3, 2));
    (await server.requests.next()).refuse(404, 'not found');
    const asked = await server.requests.next();
    expect(seen(asked)).to.deep.equal({ asked: `POST ${path}`, body: { ...body, series } });
    asked.json({}, 201);
    expect(await count).to.equal(3);
  });

  it('writes an event once if the response to its creation was lost', async () => {
    const first = write(occurred(1, 0));
    exists(await server.requests.next());
    expect(await first).to.equal(1);
    const third = write(occurred(3, 0));
    exists(await server.requests.next());
    const asked = await server.requests.next();
    expect(seen(asked)).to.deep.equal({ asked: `PATCH ${path}/${name}`, body: { series } });
    asked.json({});
    expect(await third).to.equal(3);
    expect(server.requests.all).to.have.length(3);
  });

  it('passes on every other error', async () => {
    for (const [written, code] of [
      [0, 403],
      [0, 404],
      [1, 403],
      [1, 409],
    ] as const) {
      const failed = write(occurred(3, written)).catch((error: { code: number }) => error.code);
      (await server.requests.next()).refuse(code, 'no');
      expect(await failed).to.equal(code);
    }
  });
});
