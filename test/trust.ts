// Certificates of emulators, as this process sees them.
import tls from 'node:tls';

/** Trusts `pem` in this process until the function returned is called. */
export function trust(pem: string): () => void {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, pem]);
  return () => tls.setDefaultCACertificates(before);
}
