// Checks NODE_EXTRA_CA_CERTS: Node goes on without the file if it cannot be used, and then every certificate of that CA is refused.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readErrorMessage } from './sanitize.ts';

/** @throws Error with one sentence that names the variable and the file. */
export function checkExtraCa({ NODE_EXTRA_CA_CERTS: file }: Readonly<Record<string, string | undefined>>): void {
  if (!file) return;
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which cannot be read: ${readErrorMessage(error)}`);
  }
  if (!isCertificate(pem)) throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which has no certificate in PEM`);
}

function isCertificate(pem: Buffer): boolean {
  try {
    new X509Certificate(pem);
    return pem.includes('-----BEGIN ');
  } catch {
    return false;
  }
}
