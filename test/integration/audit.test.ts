import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { audit } from '../../scripts/audit.ts';

describe('the audit of dependencies', () => {
  let registry: Server;
  /** The registry's response to a POST of package names and versions (npm's "bulk advisories"). */
  let answer: { status: number; body: unknown };

  before(async () => {
    registry = createServer((request, response) => {
      const { status, body } = request.url?.endsWith('/advisories/bulk') ? answer : { status: 404, body: {} };
      request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)));
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
  });
  after(() => registry.close());

  const ask = () => audit(`http://127.0.0.1:${(registry.address() as AddressInfo).port}/`);

  it('passes when the registry knows no advisory for them', async () => {
    answer = { status: 200, body: {} };
    const verdict = await ask();
    expect(verdict).to.include({ type: 'clean' });
    expect(verdict).to.have.property('packages').above(50);
  });

  it('names the known advisories', async () => {
    const advisory = {
      id: 1,
      title: 'Loses its head',
      url: 'https://advisories.example/1',
      severity: 'high',
      vulnerable_versions: '*',
    };
    answer = { status: 200, body: { hpagent: [advisory] } };
    const verdict = await ask();
    expect(verdict).to.include({ type: 'findings' });
    expect(verdict)
      .to.have.property('findings')
      .that.includes('hpagent, high: Loses its head (https://advisories.example/1)');
  });

  it('reports that nothing was audited when the registry has no advisories', async () => {
    answer = { status: 405, body: {} };
    const verdict = await ask();
    expect(verdict).to.include({ type: 'unknown' });
    expect(verdict).to.have.property('why').that.includes('405 Method Not Allowed');
  });
});
