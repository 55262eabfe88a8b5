// Makes this process trust the certificates of emulators.
import tls from 'node:tls';

/** Trusts `pem` in this process until the returned function is called. */
export function trust(pem: string): () => void {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, pem]);
  return () => tls.setDefaultCACertificates(before);
}
