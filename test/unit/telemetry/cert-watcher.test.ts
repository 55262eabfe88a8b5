import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCertificate, watchCertificate } from '../../../src/telemetry/cert-watcher.ts';
import { type Certificate, selfSigned } from '../../../src/telemetry/self-signed.ts';
import { FakeClock } from '../../fake-clock.ts';
import { LogJournal } from '../kubernetes/journal.ts';

describe('certificate files', () => {
  const now = new Date('2026-11-22T00:00:00Z');
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'certificate-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function put(name: 'tls.crt' | 'tls.key', text: string): Promise<void> {
    await writeFile(join(directory, 'new'), text);
    await rename(join(directory, 'new'), join(directory, name));
  }

  async function putBoth({ cert, key }: Certificate): Promise<void> {
    await put('tls.crt', cert);
    await put('tls.key', key);
  }

  async function refusal(): Promise<string> {
    return readCertificate(directory).then(
      () => 'none',
      (error: Error) => error.message,
    );
  }

  it('are read from the directory that cert-manager and the kubelet write', async () => {
    const certificate = await selfSigned('operator', now);
    await putBoth(certificate);
    expect(await readCertificate(directory)).to.deep.equal(certificate);
  });

  it('are refused in one sentence if they are missing, invalid, or do not match', async () => {
    expect(await refusal()).to.match(
      /^cannot use the certificate in .*: ENOENT: .*tls\.crt'; --metrics-cert-dir names/,
    );
    const certificate = await selfSigned('operator', now);
    await putBoth({ ...certificate, key: (await selfSigned('operator', now)).key });
    expect(await refusal()).to.contain(': the key is not that of the certificate; ');
    await put('tls.crt', 'nonsense');
    expect(await refusal()).to.match(/^cannot use the certificate in /);
  });

  it('are reloaded when they are renewed; until then the last valid ones stay in use', async () => {
    const clock = new FakeClock();
    const log = new LogJournal();
    const used: string[] = [];
    const first = await selfSigned('operator', now);
    const second = await selfSigned('operator', now);
    await putBoth(first);
    const renewed = ({ cert }: Certificate) => used.push(cert);
    const end = watchCertificate(directory, first, { clock, log, renewed });

    // Between the two renames certificate and key do not match.
    await put('tls.crt', second.cert);
    await clock.advance(10_000);
    expect((await log.next()).sentence).to.match(
      /the key is not that of the certificate; .*; the last one stays in use$/,
    );
    await put('tls.key', second.key);
    await nextTimer(clock);
    await clock.advance(10_000);
    expect((await log.next()).sentence).to.equal('The certificate of the metrics was renewed');
    expect(used).to.deep.equal([second.cert]);
    await nextTimer(clock);
    end();
    expect(clock.nextIn).to.equal(undefined);
  });

  it('are reported once while they are invalid, once for each new reason, and once when they are valid again', async () => {
    const clock = new FakeClock();
    const log = new LogJournal();
    const certificate = await selfSigned('operator', now);
    await putBoth(certificate);
    const end = watchCertificate(directory, certificate, { clock, log, renewed: () => undefined });
    const look = async () => {
      await clock.advance(10_000);
      await nextTimer(clock);
    };

    await put('tls.crt', 'nonsense');
    await look();
    await look();
    await rm(join(directory, 'tls.crt'));
    await look();
    await put('tls.crt', certificate.cert);
    await look();
    await look();
    end();
    const [first, second, ...others] = log.all.map(({ sentence }) => sentence);
    expect(first).to.match(/^cannot use the certificate in .*; the last one stays in use$/);
    expect(second).to.match(/ENOENT.*; the last one stays in use$/);
    expect(others).to.deep.equal(['The certificate of the metrics can be read again; it is the one in use']);
  });

  /** Reading files takes several turns of the event loop; the next check is scheduled after it. */
  async function nextTimer(clock: FakeClock): Promise<void> {
    while (clock.nextIn === undefined) await new Promise((resolve) => setImmediate(resolve));
  }
});
