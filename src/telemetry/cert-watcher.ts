// Watches a server's certificate and key in a directory, as cert-manager and the kubelet write them: they are renewed every few
// weeks, without a restart of the operator.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { errorMessage } from '../lib/sanitize.ts';
import type { Certificate } from './self-signed.ts';

/** The files are missing or do not match; the message is one sentence that names the flag. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** ms. The kubelet itself takes up to a minute to update a secret in a pod. */
const lookedAtEvery = 10_000;

/** Rejects with a CertificateError. */
export async function readCertificate(directory: string): Promise<Certificate> {
  try {
    // In sequence, so that the message is always the same if both are missing.
    const cert = await readFile(join(directory, 'tls.crt'), 'utf8');
    const key = await readFile(join(directory, 'tls.key'), 'utf8');
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate');
    return { cert, key };
  } catch (error) {
    throw new CertificateError(
      `cannot use the certificate in ${directory}: ${errorMessage(error)}; --metrics-cert-dir names a directory with tls.crt and tls.key`,
      { cause: error },
    );
  }
}

export interface Renewal {
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly renewed: (certificate: Certificate) => void;
}

/**
 * Checks whether `current` has been replaced, until the returned function is called. Invalid files are logged once for each
 * reason, so that the log shows what is still missing; the last valid pair stays in use.
 */
export function watchCertificate(
  directory: string,
  current: Certificate,
  { clock, log, renewed }: Renewal,
): () => void {
  let last = current;
  let complaint = '';
  let isOver = false;
  let cancel = () => {};
  const look = async () => {
    try {
      const next = await readCertificate(directory);
      const wasBroken = complaint !== '';
      complaint = '';
      if (isOver) return;
      if (next.cert === last.cert && next.key === last.key) {
        if (wasBroken) log.info({}, 'The certificate of the metrics can be read again; it is the one in use');
        return;
      }
      last = next;
      renewed(next);
      log.info({ validTo: new X509Certificate(next.cert).validToDate }, 'The certificate of the metrics was renewed');
    } catch (error) {
      const { message } = error as CertificateError;
      if (message !== complaint) log.warn({}, `${message}; the last one stays in use`);
      complaint = message;
    }
  };
  const lookAgain = () => {
    cancel = clock.after(lookedAtEvery, () => void look().then(() => isOver || lookAgain()));
  };
  lookAgain();
  return () => {
    isOver = true;
    cancel();
  };
}
