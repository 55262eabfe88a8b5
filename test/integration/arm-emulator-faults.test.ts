// The ARM emulator's faults in transport, error responses, rights, locks and policies.
import { once as event } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { createGunzip, gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { held, instant, realistic } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import { hangLimitMs } from '../hang-limit.ts';
import {
  type ArmResponse,
  ArmTestClient,
  apiVersion,
  operationUrl,
  reference,
  registryId,
  replicaPath,
} from './arm-test-client.ts';

describe('the ARM emulator with faults', () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  const failing = (answer: Promise<ArmResponse | string>): Promise<string> =>
    answer.then(
      (answered) => `answered ${typeof answered === 'string' ? answered : answered.status}`,
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
    );
  /** The head of a response whose body is still to come. */
  const opened = async (path: string): Promise<IncomingMessage> => {
    const url = new URL(`${path}?api-version=${apiVersion}`, arm.emulator.url);
    const headers = { authorization: `Bearer ${await arm.token()}`, ...once.headers };
    const outgoing = request(url, { headers, ca: arm.emulator.certificate });
    outgoing.on('error', () => undefined);
    outgoing.end();
    const [answer] = (await event(outgoing, 'response')) as [IncomingMessage];
    return answer;
  };
  /** Requests a token as any OAuth client does. */
  const grant = (signal?: AbortSignal): Promise<ArmResponse> => {
    const { environment, url } = arm.emulator;
    const form = new URLSearchParams({
      client_id: environment.AZURE_CLIENT_ID ?? '',
      client_secret: environment.AZURE_CLIENT_SECRET ?? '',
      grant_type: 'client_credentials',
      scope: 'https://management.azure.com/.default',
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const path = `${url}/${environment.AZURE_TENANT_ID}/oauth2/v2.0/token`;
    return arm.exchange(path, 'POST', String(form), headers, signal);
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    const limit = AbortSignal.timeout(hangLimitMs);
    while (!isSo()) {
      limit.throwIfAborted();
      await new Promise(setImmediate);
    }
  };
  const codeOf = ({ status, body }: ArmResponse) => `${status} ${body.error?.code ?? ''}`.trim();
  const isThere = () => arm.emulator.azure.replica(reference, 'japaneast') !== undefined;
  const lastEntry = () => arm.emulator.journal.entries.at(-1);
  /** For a connection of its own: the agent would keep the socket for the next test. */
  const once = { headers: { connection: 'close' } };

  describe('in transport', () => {
    it('answers after the given latency', async () => {
      const clock = new FakeClock();
      const { azure, journal } = await start({ clock });
      await arm.token();
      azure.faults.add({ kind: 'latency', ms: 5_000 });
      let answered = false;
      const asking = send('GET', registryId).then((answer) => {
        answered = true;
        return answer;
      });
      while (clock.nextIn === undefined) await new Promise(setImmediate);
      await clock.advance(4_999);
      expect({ answered, journalled: journal.entries.some(({ endpoint }) => endpoint === 'registry') }).to.deep.equal({
        answered: false,
        journalled: false,
      });
      await clock.advance(1);
      expect((await asking).status).to.equal(200);
      expect(lastEntry()?.at.toISOString()).to.equal('2026-11-22T00:00:00.000Z');
    });

    it('draws the latency from a range, the same for the same seed', async () => {
      const drawn = async (seed: number) => {
        const clock = new FakeClock();
        const { azure } = await start({ clock, seed });
        await arm.token();
        azure.faults.add({ kind: 'latency', ms: 100, most: 900 });
        const asking = send('GET', registryId);
        while (clock.nextIn === undefined) await new Promise(setImmediate);
        const latency = clock.nextIn;
        await clock.advance(1_000);
        await asking;
        await arm.stop();
        return latency;
      };
      const first = await drawn(3);
      expect(first).to.be.within(100, 900);
      expect(await drawn(3)).to.equal(first);
      expect(await drawn(4)).not.to.equal(first);
      await start();
    });

    it('resets the connection before the request is carried out', async () => {
      const { azure } = await start();
      azure.faults.set('rst', { kind: 'reset', methods: ['PUT'], times: 1 });
      expect(await failing(create('japaneast'))).to.equal('ECONNRESET');
      expect(isThere()).to.equal(false);
      expect(lastEntry()).to.deep.include({ method: 'PUT', status: 0, faults: ['rst'] });
      expect(lastEntry()).not.to.have.property('hidden');
      expect((await create('japaneast')).status).to.equal(201);
    });

    it('resets the connection after the request was carried out', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'reset', when: 'after', methods: ['PUT'], times: 1 });
      expect(await failing(create('japaneast'))).to.equal('ECONNRESET');
      expect(isThere()).to.equal(true);
      expect(lastEntry()).to.deep.include({ method: 'PUT', status: 0, hidden: 201 });
    });

    for (const when of ['before', 'after'] as const) {
      it(`hangs for ever, ${when} the request is carried out`, async () => {
        const { azure, journal } = await start();
        await arm.token();
        azure.faults.add({ kind: 'hang', when, methods: ['PUT'] });
        const patience = new AbortController();
        const hung = journal.next(({ method }) => method === 'PUT');
        const asking = failing(
          send('PUT', replicaPath('japaneast'), { location: 'japaneast' }, { signal: patience.signal }),
        );
        expect((await hung).status).to.equal(0);
        expect(isThere()).to.equal(when === 'after');
        patience.abort();
        expect(await asking).to.equal('ABORT_ERR');
      });
    }

    it('can be closed while requests hang', async () => {
      const { azure, journal } = await start();
      await arm.token();
      azure.faults.add({ kind: 'hang' });
      const hung = journal.next(({ endpoint }) => endpoint === 'registry');
      const asking = failing(send('GET', registryId));
      await hung;
      await arm.emulator.close();
      expect(await asking).to.equal('ECONNRESET');
      await start();
    });

    it('leaves TLS handshakes unanswered, and counts them until their clients give up', async () => {
      const { azure } = await start();
      await arm.token();
      const before = arm.emulator.connections;
      azure.faults.add({ kind: 'stalledHandshake', times: 1 });
      const client = connect(Number(new URL(arm.emulator.url).port), '127.0.0.1');
      await event(client, 'connect');
      const hello = connectTls({ socket: client, ca: arm.emulator.certificate });
      hello.on('error', () => undefined);
      // The next handshake is answered, while the first still waits.
      expect((await send('GET', registryId, undefined, once)).status).to.equal(200);
      expect(hello.authorized).to.equal(false);
      expect(arm.emulator.connections).to.include({ stalled: 1, accepted: before.accepted + 2 });
      client.destroy();
      await until(() => arm.emulator.connections.stalled === 0);
      await until(() => arm.emulator.connections.open === before.open);
    });

    it('can be closed while handshakes stall', async () => {
      const { azure, url } = await start();
      azure.faults.add({ kind: 'stalledHandshake' });
      const client = connect(Number(new URL(url).port), '127.0.0.1');
      const closed = event(client, 'close');
      await until(() => arm.emulator.connections.stalled === 1);
      await arm.emulator.close();
      await closed;
      await start();
    });

    it('hangs or delays a token request if the fault names that endpoint', async () => {
      const clock = new FakeClock();
      const { azure, journal } = await start({ clock });
      azure.faults.add({ kind: 'hang', endpoints: ['token'], methods: ['POST'], times: 1 });
      const hung = journal.next(({ method }) => method === 'POST');
      const patience = new AbortController();
      const asking = failing(grant(patience.signal));
      expect((await hung).status).to.equal(0);
      patience.abort();
      expect(await asking).to.equal('ABORT_ERR');
      azure.faults.add({ kind: 'latency', ms: 60_000, endpoints: ['token'], methods: ['POST'], times: 1 });
      const late = grant();
      await until(() => clock.nextIn !== undefined);
      await clock.advance(60_000);
      expect((await late).text).to.contain('access_token');
    });

    it('grants tokens with the given lifetime', async () => {
      const clock = new FakeClock();
      await start({ clock, tokenLifetime: 20 });
      const token = await arm.token();
      await clock.advance(19_000);
      expect((await send('GET', registryId, undefined, { token })).status).to.equal(200);
      await clock.advance(1_000);
      expect(codeOf(await send('GET', registryId, undefined, { token }))).to.equal('401 ExpiredAuthenticationToken');
    });

    it('falls silent in the middle of a body', async () => {
      const { azure } = await start();
      await arm.token();
      azure.faults.add({ kind: 'malformed', how: 'stall', times: 1 });
      const answer = await opened(registryId);
      const announced = Number(answer.headers['content-length']);
      let received = 0;
      while (received < announced >> 1) {
        const [chunk] = (await event(answer, 'data')) as [Buffer];
        received += chunk.length;
      }
      // The other half never comes; the connection stays open.
      expect(received).to.equal(announced >> 1);
      expect((await send('GET', registryId, undefined, once)).status).to.equal(200);
      expect(answer.complete).to.equal(false);
      answer.destroy();
    });

    it('truncates gzip, by ending the body or by resetting the connection', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'malformed', how: 'gzipHalf', times: 1 });
      const half = await opened(registryId);
      expect(half.headers).to.include({ 'content-encoding': 'gzip' });
      expect(await failing(text(half.pipe(createGunzip())))).to.equal('Z_BUF_ERROR');
      expect(half.complete).to.equal(true);
      azure.faults.add({ kind: 'malformed', how: 'gzipCut', times: 1 });
      const cut = await opened(registryId);
      expect(cut.headers).to.include({ 'content-encoding': 'gzip' });
      expect(await failing(text(cut))).to.equal('ECONNRESET');
    });

    it('sends the right body after many blanks, plain or as a gzip bomb', async () => {
      const { azure } = await start();
      const bytes = 3_000_000;
      azure.faults.add({ kind: 'malformed', how: 'large', bytes, times: 1 });
      const large = await text(await opened(registryId));
      expect(large.length).to.be.greaterThan(bytes);
      expect(JSON.parse(large)).to.have.property('name', 'myACR0007');
      azure.faults.add({ kind: 'malformed', how: 'bomb', bytes, times: 1 });
      const packed = await buffer(await opened(registryId));
      expect(packed.length).to.be.lessThan(bytes / 100);
      const bomb = String(gunzipSync(packed));
      expect(bomb.length).to.equal(large.length);
      expect(JSON.parse(bomb)).to.have.property('name', 'myACR0007');
    });

    it('stops sending a large body when the client disconnects', async () => {
      const { azure } = await start();
      await arm.token();
      const { open } = arm.emulator.connections;
      azure.faults.add({ kind: 'malformed', how: 'large', bytes: 2 ** 30, times: 1 });
      const answer = await opened(registryId);
      await event(answer, 'data');
      answer.destroy();
      await until(() => arm.emulator.connections.open <= open);
      expect((await send('GET', registryId)).status).to.equal(200);
    });

    it('sends a nextLink to another origin', async () => {
      const { azure } = await start();
      await create('japaneast');
      azure.faults.set('lure', { kind: 'foreignNextLink', origin: 'https://127.0.0.1:4711', times: 1 });
      const lured = await send('GET', `${registryId}/replications`);
      const { nextLink = '' } = JSON.parse(lured.text) as { nextLink?: string };
      expect(new URL(nextLink).origin).to.equal('https://127.0.0.1:4711');
      expect(new URL(nextLink).pathname).to.equal(`${registryId}/replications`);
      expect(lured.body.value?.map(({ name }) => name)).to.include('japaneast');
      expect(lastEntry()).to.deep.include({ status: 200, faults: ['lure'] });
      expect(JSON.parse((await send('GET', `${registryId}/replications`)).text)).not.to.have.property('nextLink');
    });

    it('sends malformed bodies with the right status', async () => {
      const { azure } = await start();
      const bodies: string[] = [];
      for (const how of ['half', 'empty', 'html', 'strange'] as const) {
        const undo = azure.faults.add({ kind: 'malformed', how });
        const { status, text } = await send('GET', registryId);
        expect(status).to.equal(200);
        bodies.push(text);
        undo();
      }
      const [half = '', empty, html, strange = ''] = bodies;
      expect(() => JSON.parse(half)).to.throw();
      expect(half).to.match(/^\{"sku":/);
      expect(empty).to.equal('');
      expect(html).to.contain('<html>');
      expect(JSON.parse(strange)).to.have.property('value', '42');
    });

    it('resets the connection in the middle of a response', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'malformed', how: 'cut', times: 1 });
      expect(await failing(send('GET', registryId))).to.equal('ECONNRESET');
      expect((await send('GET', registryId)).status).to.equal(200);
    });
  });

  describe('that answer with errors', () => {
    it('throttles, with Retry-After or without', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'throttled', retryAfter: 17, times: 1 });
      azure.faults.add({ kind: 'throttled', times: 1 });
      const first = await send('GET', registryId);
      expect(codeOf(first)).to.equal('429 SubscriptionRequestsThrottled');
      expect(first.headers).to.include({ 'retry-after': '17' });
      expect(first.body.error?.message).to.contain("'17' seconds");
      const second = await send('GET', registryId);
      expect(second.status).to.equal(429);
      expect(second.headers).not.to.have.property('retry-after');
    });

    it('answers with an error before or after the request is carried out', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'error', status: 503, methods: ['PUT'], times: 1 });
      expect(codeOf(await create('japaneast'))).to.equal('503 ServiceUnavailable');
      expect(isThere()).to.equal(false);
      azure.faults.add({ kind: 'error', status: 500, when: 'after', methods: ['PUT'], times: 1 });
      const late = await create('japaneast');
      expect(codeOf(late)).to.equal('500 InternalServerError');
      expect(late.headers).not.to.have.property('azure-asyncoperation');
      expect(lastEntry()).to.deep.include({ status: 500, hidden: 201 });
      expect(isThere()).to.equal(true);
    });

    it("answers with a gateway's page, without ARM's envelope", async () => {
      const { azure } = await start();
      for (const status of [403, 502]) {
        azure.faults.add({ kind: 'error', status, html: true, times: 1 });
        const refused = await send('GET', registryId);
        expect(refused.status).to.equal(status);
        expect(refused.headers['content-type']).to.equal('text/html');
        expect(refused.text).to.contain('<html>');
      }
      azure.faults.add({ kind: 'error', status: 503, html: true, retryAfter: 7, times: 1 });
      expect((await send('GET', registryId)).headers).to.include({ 'retry-after': '7' });
    });

    it('is busy for the given time', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      azure.faults.add({ kind: 'busy', registry: 'MYACR0007', for: 30_000 });
      expect(codeOf(await create('japaneast'))).to.equal('409 Conflict');
      expect((await send('GET', registryId)).status).to.equal(200);
      await clock.advance(30_000);
      expect(codeOf(await create('japaneast'))).to.equal('201');
    });

    it('refuses writes to replicas while as many as it allows are in motion', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock, timings: realistic });
      azure.faults.add({ kind: 'crowded', registry: 'MYACR0007', most: 2 });
      expect(codeOf(await create('japaneast'))).to.equal('201');
      expect(codeOf(await create('westeurope'))).to.equal('201');
      expect(codeOf(await create('northeurope'))).to.equal('409 Conflict');
      await clock.advance(20_000);
      expect(codeOf(await create('northeurope'))).to.equal('201');
    });

    it('tells its own refusals from injected ones in the journal', async () => {
      const { azure } = await start();
      azure.faults.set('busy', { kind: 'busy', times: 1 });
      await create('japaneast');
      expect(lastEntry()).to.deep.include({ status: 409, code: 'Conflict', faults: ['busy'] });
      azure.timings = held;
      await create('japaneast');
      await create('japaneast');
      expect(lastEntry()).to.include({ status: 409, code: 'Conflict' }).and.not.to.have.property('faults');
      azure.faults.set('locked', { kind: 'lock', level: 'ReadOnly' });
      await create('japaneast');
      expect(lastEntry()).to.deep.include({ code: 'ScopeLocked', faults: ['locked'] });
    });

    it('spares the token endpoint unless the fault names it', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'error', status: 500 });
      expect(await arm.token()).to.be.a('string');
      azure.faults.set('entra', { kind: 'error', status: 500, endpoints: ['token'] });
      const refused = await arm
        .credential()
        .getToken('https://management.azure.com/.default')
        .then(
          () => 'granted',
          (error: unknown) => String(error),
        );
      expect(refused).not.to.equal('granted');
    });

    it('leaves requests alone that a fault does not select', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'error', status: 500, replica: 'japaneast', methods: ['GET'] });
      azure.faults.add({ kind: 'error', status: 500, registry: 'another0001' });
      azure.faults.add({ kind: 'error', status: 500, endpoints: ['locations'] });
      expect((await create('japaneast')).status).to.equal(201);
      expect((await send('GET', registryId)).status).to.equal(200);
      expect((await send('GET', `${registryId}/replications`)).status).to.equal(200);
      expect((await send('GET', replicaPath('japaneast'))).status).to.equal(500);
    });
  });

  describe('in rights, locks and policies', () => {
    it('forbids actions within a scope, and names both', async () => {
      const { azure } = await start();
      const actions = ['Microsoft.ContainerRegistry/registries/replications/write'];
      azure.faults.add({ kind: 'forbidden', actions, scope: registryId.toUpperCase() });
      const refused = await create('japaneast');
      expect(codeOf(refused)).to.equal('403 AuthorizationFailed');
      expect(refused.body.error?.message)
        .to.contain(`perform action '${actions[0]}'`)
        .and.to.contain(`over scope '${registryId}/replications/japaneast'`);
      expect((await send('GET', `${registryId}/replications`)).status).to.equal(200);
      const other = { ...reference, name: 'another0001' };
      azure.addRegistry(other);
      const elsewhere = replicaPath('japaneast').replace('myACR0007', 'another0001');
      expect((await send('PUT', elsewhere, { location: 'japaneast' })).status).to.equal(201);
    });

    it('accepts a deletion whose polling is forbidden, as with rights on the registry alone', async () => {
      const { azure } = await start();
      await create('japaneast');
      azure.faults.add({ kind: 'forbidden', actions: ['Microsoft.ContainerRegistry/locations/*'] });
      const deleted = await send('DELETE', replicaPath('japaneast'));
      expect(deleted.status).to.equal(202);
      expect(codeOf(await send('GET', deleted.headers.location ?? ''))).to.equal('403 AuthorizationFailed');
      expect(isThere()).to.equal(false);
      expect((await send('GET', operationUrl((await create('uksouth')).headers))).status).to.equal(200);
    });

    it('locks a scope against deletion, and the resources that contain it', async () => {
      const { azure } = await start();
      await create('japaneast');
      const unlock = azure.faults.add({ kind: 'lock', level: 'CanNotDelete', scope: registryId });
      const refused = await send('DELETE', replicaPath('japaneast'));
      expect(codeOf(refused)).to.equal('409 ScopeLocked');
      expect(refused.body.error?.message)
        .to.contain('cannot perform delete operation')
        .and.to.contain(`'${registryId}'`);
      expect((await send('PATCH', replicaPath('japaneast'), { tags: {} })).status).to.equal(200);
      unlock();
      azure.faults.add({ kind: 'lock', level: 'CanNotDelete', scope: replicaPath('japaneast') });
      expect(codeOf(await send('DELETE', registryId))).to.equal('409 ScopeLocked');
    });

    it('locks a scope against every change', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'lock', level: 'ReadOnly', scope: registryId.replace(/\/providers.*/, '') });
      expect(codeOf(await create('japaneast'))).to.equal('409 ScopeLocked');
      expect((await send('GET', registryId)).status).to.equal(200);
    });

    it('denies locations by policy', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'policyDeny', locations: ['Japan East'] });
      const refused = await create('japaneast');
      expect(codeOf(refused)).to.equal('403 RequestDisallowedByPolicy');
      expect(refused.body.error).to.have.property('target', 'japaneast');
      expect(refused.body.error).to.have.property('additionalInfo').with.length(1);
      expect((await create('uksouth')).status).to.equal(201);
    });

    it('adds the tags of a policy at creation and at every change', async () => {
      const { azure } = await start();
      await create('japaneast');
      azure.faults.add({ kind: 'policyTags', tags: { costCenter: '4711' } });
      expect((await create('uksouth')).body.tags).to.deep.equal({ costCenter: '4711' });
      const changed = await send('PATCH', replicaPath('japaneast'), { tags: { team: 'web', costCenter: '1' } });
      expect(changed.body.tags).to.deep.equal({ team: 'web', costCenter: '4711' });
    });

    it('withdraws a region', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'withdrawnRegion', location: 'japaneast' });
      const refused = await create('japaneast');
      expect(codeOf(refused)).to.equal('400 LocationNotAvailableForResourceType');
      const [, offered = ''] = refused.body.error?.message.split('List of available regions') ?? [];
      expect(offered).to.contain('japanwest').and.not.to.contain('japaneast');
    });
  });

  it('bounds the length of its journal', async () => {
    const { journal } = await start({ journalLength: 20, timings: instant });
    for (let index = 0; index < 30; index++) await create(`number${String(index).padStart(2, '0')}`, 'uksouth');
    expect(journal.entries.length).to.be.within(18, 20);
    expect(lastEntry()).to.include({ replica: 'number29' });
  });
});
