// Creates a TLS certificate for a server on loopback; clients trust it by its own PEM.
import { generate } from 'selfsigned';

export interface Certificate {
  /** PEM of the server's certificate, which clients must trust. */
  readonly cert: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/** @param names More names that it is valid for. */
export async function makeLoopbackCertificate(commonName: string, names: readonly string[] = []): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          ...names.map((value) => ({ type: 2 as const, value })),
        ],
      },
    ],
  });
  return { cert, key };
}
