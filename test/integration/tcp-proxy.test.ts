import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { TcpProxy } from '../tcp-proxy.ts';

describe('the wire that tests can cut', () => {
  let server: Server;
  let served: Socket[];
  let wire: TcpProxy;

  beforeEach(async () => {
    served = [];
    server = createServer((socket) => {
      served.push(socket);
      socket.on('data', (data) => socket.write(data)).on('error', () => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    wire = await TcpProxy.create(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await wire.listen();
  });
  afterEach(async () => {
    await wire.close();
    for (const socket of served) socket.destroy();
    server.close();
  });

  async function client(): Promise<Socket> {
    const socket = connect(wire.port, '127.0.0.1');
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

  it('forwards what is said, at any pace', async () => {
    const socket = await client();
    expect(await echo(socket, 'hello')).to.equal('hello');
    wire.throttle({ bytes: 2, delayMs: 1 });
    expect(await echo(socket, 'how are you')).to.equal('how are you');
    socket.destroy();
  });

  it('passes an end on, either way', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    served[0]?.end();
    await once(socket.resume(), 'end');
    const other = await client();
    await echo(other, 'hello');
    other.end();
    if (!served[1]?.closed) await once(served[1] as Socket, 'close');
  });

  it('resets connections, and takes new ones', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    expect(wire.end('reset')).to.equal(1);
    const [error] = await once(socket, 'error');
    expect(error.code).to.equal('ECONNRESET');
    expect(await echo(await client(), 'again')).to.equal('again');
  });

  it('breaks off in the middle of what the server says', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    wire.end('close', 3);
    socket.write('goodbye');
    const [data] = await once(socket, 'data');
    expect(String(data)).to.equal('goo');
    await once(socket, 'close');
  });

  it('lets a connection fall silent without an end, though the server ends it', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    expect(wire.end('silence', 3)).to.equal(1);
    socket.write('goodbye');
    expect(String((await once(socket, 'data'))[0])).to.equal('goo');
    expect(wire.end('reset'), 'it stays silent').to.equal(0);
    const said: string[] = [];
    socket.on('data', (data) => said.push(String(data))).on('close', () => said.push('closed'));
    served[0]?.destroy();
    // Another connection's conversation is proof enough that time has passed.
    for (const text of ['one', 'two', 'three']) await echo(await client(), text);
    expect(said).to.deep.equal([]);
    socket.destroy();
  });

  it('accepts and says nothing while it is mute', async () => {
    wire.mute(true);
    // It makes its own connection when it has accepted one; the client may think itself connected before.
    const accepted = once(server, 'connection');
    const socket = await client();
    await accepted;
    socket.write('hello');
    const said: string[] = [];
    socket.on('data', (data) => said.push(String(data)));
    wire.mute(false);
    expect(await echo(await client(), 'hello')).to.equal('hello');
    expect(said).to.deep.equal([]);
    socket.destroy();
  });

  it('refuses new connections while those that are open go on', async () => {
    const socket = await client();
    await echo(socket, 'hello');
    wire.refuse();
    const refused = connect(wire.port, '127.0.0.1');
    const [error] = await once(refused, 'error');
    expect(error.code).to.equal('ECONNREFUSED');
    expect(await echo(socket, 'still here')).to.equal('still here');
    await wire.listen();
    expect(await echo(await client(), 'back')).to.equal('back');
  });
});
