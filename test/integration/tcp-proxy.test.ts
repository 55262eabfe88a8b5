import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { TcpProxy } from '../tcp-proxy.ts';

describe('the TCP proxy of the tests', () => {
  let server: Server;
  let served: Socket[];
  let proxy: TcpProxy;

  beforeEach(async () => {
    served = [];
    server = createServer((socket) => {
      served.push(socket);
      socket.on('data', (data) => socket.write(data)).on('error', () => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpProxy.create(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await proxy.listen();
  });
  afterEach(async () => {
    await proxy.close();
    for (const socket of served) socket.destroy();
    server.close();
  });

  async function client(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  async function echo(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    let back = '';
    while (back.length < text.length) back += String((await once(socket, 'data'))[0]);
    return back;
  }

  it('forwards data at any speed', async () => {
    const socket = await client();
    expect(await echo(socket, 'hello')).to.equal('hello');
    proxy.throttle({ bytes: 2, delayMs: 1 });
    expect(await echo(socket, 'how are you')).to.equal('how are you');
    socket.destroy();
  });

  it('forwards the end of a connection in either direction', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    served[0]?.end();
    await once(socket.resume(), 'end');
    const other = await client();
    await echo(other, 'hello');
    other.end();
    if (!served[1]?.closed) await once(served[1] as Socket, 'close');
  });

  it('resets connections, and accepts new ones', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    expect(proxy.end('reset')).to.equal(1);
    const [error] = await once(socket, 'error');
    expect(error.code).to.equal('ECONNRESET');
    expect(await echo(await client(), 'again')).to.equal('again');
  });

  it("ends a connection in the middle of the server's data", async () => {
    const socket = await client();
    await echo(socket, 'hello');
    proxy.end('close', 3);
    socket.write('goodbye');
    const [data] = await once(socket, 'data');
    expect(String(data)).to.equal('goo');
    await once(socket, 'close');
  });

  it('silences a connection without ending it, even when the server ends it', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    expect(proxy.end('silence', 3)).to.equal(1);
    socket.write('goodbye');
    expect(String((await once(socket, 'data'))[0])).to.equal('goo');
    expect(proxy.end('reset'), 'it stays silent').to.equal(0);
    const received: string[] = [];
    socket.on('data', (data) => received.push(String(data))).on('close', () => received.push('closed'));
    served[0]?.destroy();
    // A round trip on another connection shows that enough time has passed.
    for (const text of ['one', 'two', 'three']) await echo(await client(), text);
    expect(received).to.deep.equal([]);
    socket.destroy();
  });

  it('accepts connections without answering while it is mute', async () => {
    proxy.mute(true);
    // The client may be connected before the proxy has accepted; its connection to the server shows that it has.
    const accepted = once(server, 'connection');
    const socket = await client();
    await accepted;
    socket.write('hello');
    const received: string[] = [];
    socket.on('data', (data) => received.push(String(data)));
    proxy.mute(false);
    expect(await echo(await client(), 'hello')).to.equal('hello');
    expect(received).to.deep.equal([]);
    socket.destroy();
  });

  it('refuses new connections while open ones continue', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    proxy.refuse();
    const refused = connect(proxy.port, '127.0.0.1');
    const [error] = await once(refused, 'error');
    expect(error.code).to.equal('ECONNREFUSED');
    expect(await echo(socket, 'still here')).to.equal('still here');
    await proxy.listen();
    expect(await echo(await client(), 'back')).to.equal('back');
  });
});
