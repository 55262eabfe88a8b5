// Decides which requests the map's server answers: those of its own pages, in a browser that was opened with the token. Protects
// against other users of the machine, other web pages, and names that resolve to loopback (DNS rebinding).
//
// Browsers send cookies to every port of a host. So the cookie is for a path that no page of another port can guess: otherwise any other
// server on loopback would get it.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The parts of a request that decide. */
export interface AccessRequest {
  readonly method: string;
  readonly path: string;
  /** Of the query. */
  readonly token: string | undefined;
  /** A header, by its name in lower case. */
  header(name: string): string | undefined;
}

export type Access =
  /** `cookie` is the header Set-Cookie for the browser that came with the token. */
  { readonly allowed: true; readonly cookie?: string } | { readonly allowed: false; readonly message: string };

export interface AccessControl {
  /** For the path `/`, where the browser gets its cookie; undefined if none is needed. */
  readonly token: string | undefined;
  /** Works once: it goes to a browser's command line, which other users may read for as long as the browser runs. */
  readonly onceToken: string | undefined;
  /** The path of the page, which all others are below. Has a slash at its end. */
  readonly home: string;
  check(request: AccessRequest): Access;
}

const noToken = 'This map needs the whole address that was printed at its start, with its token.';

/** @param needsToken False where something else decides who reaches the port; other pages and names are refused all the same. */
export function accessControl(needsToken: boolean): AccessControl {
  const session = random(32);
  const [token, onceToken] = needsToken ? [random(32), random(32)] : [];
  const home = needsToken ? `/${random(16)}/` : '/';
  let isUsed = false;
  const isToken = (text: string) => {
    if (token !== undefined && isSame(text, token)) return true;
    if (isUsed || onceToken === undefined || !isSame(text, onceToken)) return false;
    isUsed = true;
    return true;
  };
  return {
    token,
    onceToken,
    home,
    check(request) {
      const host = request.header('host') ?? '';
      if (!loopbackHost.test(host)) return refused('This server answers to 127.0.0.1, [::1] and localhost only.');
      const isFirst = request.method === 'GET' && request.path === '/' && request.token !== undefined;
      if (!isFromHere(request, host, isFirst)) return refused('This request comes from another web page.');
      if (token === undefined) return { allowed: true };
      if (isFirst && isToken(request.token ?? ''))
        return { allowed: true, cookie: `${cookieName}=${session}; Path=${home}; HttpOnly; SameSite=Strict` };
      const hasCookie = request.path.startsWith(home) && isSame(cookieIn(request.header('cookie') ?? ''), session);
      return hasCookie ? { allowed: true } : refused(noToken);
    },
  };
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

const cookieName = 'georep-map';

/** A Host header that names loopback; with any port, since `kubectl port-forward` may choose another. */
const loopbackHost = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/i;

function refused(message: string): Access {
  return { allowed: false, message };
}

/** A POST needs the Origin of this server. The first request may come from a link in any page, since it changes nothing. */
function isFromHere({ method, header }: AccessRequest, host: string, isFirst: boolean): boolean {
  const origin = header('origin');
  if (origin !== undefined && origin !== `http://${host}`) return false;
  if (method !== 'GET' && origin === undefined) return false;
  const site = header('sec-fetch-site');
  if (isFirst) return site === undefined || header('sec-fetch-dest') === 'document';
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** The first of that name, which is the one with the longest path (RFC 6265, 5.4): a page of another port cannot put its own before it. */
function cookieIn(header: string): string {
  for (const pair of header.split(';')) {
    const [key, value = ''] = pair.trim().split('=', 2);
    if (key === cookieName) return value;
  }
  return '';
}

/** In a time that does not depend on where the texts differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** No script or style but our own files, no frame, no other server, and no HTML made of text (Trusted Types). */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};
