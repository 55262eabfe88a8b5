import { expect } from 'chai';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import type { Contact } from '../../../src/map/model.ts';
import { StateStream } from '../../../src/map/stream.ts';
import { FakeClock, settled } from '../../fake-clock.ts';

/** A stream of an empty map, and what each of its clients was sent. */
function aStream() {
  const clock = new FakeClock();
  let contact: Contact = { live: true };
  const stream = new StateStream({
    state: (now) => ({ writable: true, hasEvents: true, kubectlArgs: [], contact: now, regions: [], registries: [] }),
    regions: () => [],
    read: () => undefined,
    view: (_: RegistryReplication) => {
      throw new Error('there is no object');
    },
    contact: () => contact,
    clock,
  });
  return {
    stream,
    clock,
    becomes(next: Contact) {
      contact = next;
    },
    /** Opens a client that reads all that it is sent. */
    open(): string[] {
      const sent: string[] = [];
      const reader = stream.open(() => undefined)?.getReader();
      const read = async (): Promise<void> => {
        const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
        if (done) return;
        sent.push(new TextDecoder().decode(value));
        await read();
      };
      void read();
      return sent;
    },
  };
}

describe('the stream of the map', () => {
  it('says that the map is stale before the next heartbeat, also if another page or reader has found it first', async () => {
    for (const findFirst of [
      ({ stream }: ReturnType<typeof aStream>) => void stream.contact(),
      ({ open }: ReturnType<typeof aStream>) => void open(),
    ]) {
      const map = aStream();
      const sent = map.open();
      await settled();
      map.becomes({ live: false, message: 'the API server is silent' });
      findFirst(map);
      await map.clock.advance(1_500);
      expect(sent.at(-1)).to.contain('"live":false,"message":"the API server is silent"');
      map.stream.close();
    }
  });
});
