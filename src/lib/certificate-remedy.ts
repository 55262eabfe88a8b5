// Explains to users what to do about a certificate that is not trusted.
import { sanitize } from './sanitize.ts';

/** Adds the code and the remedy if `error` is about a certificate that is not trusted. */
export function withCertificateRemedy(error: unknown, words: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code)
    ? `${words} (${sanitize(code, 64)}); name a private CA with NODE_EXTRA_CA_CERTS`
    : words;
}
