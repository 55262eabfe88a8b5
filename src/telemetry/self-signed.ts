// Makes a self-signed certificate in memory, for clients that want encryption and do not verify the server.
import { generate } from 'selfsigned';

export interface Certificate {
  /** PEM */
  readonly cert: string;
  /** PEM, PKCS#8 */
  readonly key: string;
}

const validYears = 10;
/** Clients' clocks may be slow. */
const backdateMs = 3_600_000;
/** RFC 5280, appendix A.1: ub-common-name. */
const maxCommonName = 64;

/** For this host name, on the curve P-256. */
export async function selfSigned(host: string, now: Date): Promise<Certificate> {
  const notAfterDate = new Date(now);
  notAfterDate.setUTCFullYear(now.getUTCFullYear() + validYears);
  const { cert, private: key } = await generate([{ name: 'commonName', value: host.slice(0, maxCommonName) }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now.getTime() - backdateMs),
    notAfterDate,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  });
  return { cert, key };
}
