import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { selfSigned } from '../../../src/telemetry/self-signed.ts';

describe('a certificate made in memory', () => {
  const now = new Date('2026-11-22T00:00:00Z');
  let key: string;
  let certificate: X509Certificate;

  before(async () => {
    const made = await selfSigned('acr-replication-operator-7f9c', now);
    key = made.key;
    certificate = new X509Certificate(made.cert);
  });

  it('is signed by its own key', () => {
    expect(certificate.verify(certificate.publicKey)).to.equal(true);
    expect(certificate.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect(certificate.checkIssued(certificate)).to.equal(true);
  });

  it('is valid for the host, for ten years', () => {
    expect(certificate.subject).to.equal('CN=acr-replication-operator-7f9c');
    expect(certificate.checkHost('acr-replication-operator-7f9c')).to.equal('acr-replication-operator-7f9c');
    expect(certificate.checkHost('another')).to.equal(undefined);
    expect(certificate.validFromDate.toISOString()).to.equal('2026-11-21T23:00:00.000Z');
    expect(certificate.validToDate.toISOString()).to.equal('2036-11-22T00:00:00.000Z');
  });

  it('is different each time', async () => {
    const other = new X509Certificate((await selfSigned('acr-replication-operator-7f9c', now)).cert);
    expect(other.serialNumber).not.to.equal(certificate.serialNumber);
    expect(other.fingerprint256).not.to.equal(certificate.fingerprint256);
  });

  it('supports a name of maximal length, and dates beyond 2049', async () => {
    const host = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    const long = new X509Certificate((await selfSigned(host, new Date('2045-01-01T00:00:00Z'))).cert);
    expect(long.checkHost(host)).to.equal(host);
    expect(long.subject).to.equal(`CN=${host.slice(0, 64)}`);
    expect(long.validToDate.toISOString()).to.equal('2055-01-01T00:00:00.000Z');
  });
});
