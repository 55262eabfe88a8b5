// Replaces a response's body with a malformed one and keeps its status and most headers.
import { gzipSync } from 'node:zlib';
import type { BodyFault } from './request-faults.ts';

export interface Malformed {
  readonly response: Response;
  /** What happens to the connection after half of the body; undefined: the whole body is sent. */
  readonly ending?: 'reset' | 'silence';
}

export const gatewayPage =
  '<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Please wait</h1></body></html>';

const defaultBytes = 64 * 2 ** 20;
/** 1 MiB; JSON may begin with any amount of white space. */
const blanks = Buffer.alloc(2 ** 20, ' ');

export async function malform(answer: Response, { how, bytes = defaultBytes }: BodyFault): Promise<Malformed> {
  const body = Buffer.from(await answer.arrayBuffer());
  const { status } = answer;
  const withBody = (
    content: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
    extra: Readonly<Record<string, string>> = {},
  ): Response => {
    const headers = new Headers({ ...Object.fromEntries(answer.headers), ...extra });
    headers.delete('content-length');
    return new Response(status === 204 || status === 304 ? null : content, { status, headers });
  };
  const gzip = { 'content-encoding': 'gzip' };
  switch (how) {
    case 'half':
      return { response: withBody(body.subarray(0, body.length >> 1)) };
    case 'cut':
      return { response: withBody(body), ending: 'reset' };
    case 'stall':
      return { response: withBody(body), ending: 'silence' };
    case 'gzipHalf': {
      const packed = gzipSync(body);
      return { response: withBody(packed.subarray(0, packed.length >> 1), gzip) };
    }
    case 'gzipCut':
      return { response: withBody(gzipSync(body), gzip), ending: 'reset' };
    case 'large':
      return { response: withBody(ReadableStream.from(padded(body, bytes))) };
    case 'bomb':
      return { response: withBody(ReadableStream.from(packedAndPadded(body, bytes)), gzip) };
    case 'empty':
      return { response: withBody('') };
    case 'html':
      return { response: withBody(gatewayPage, { 'content-type': 'text/html' }) };
    case 'strange':
      return { response: withBody('{"value":"42","properties":[null],"error":7}') };
    default:
      return how satisfies never;
  }
}

function* padded(body: Uint8Array, bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= blanks.length) yield blanks.subarray(0, left);
  yield body;
}

/** A gzip stream may have several members, one after the other (RFC 1952, 2.2): each chunk is one. */
function* packedAndPadded(body: Uint8Array, bytes: number): Generator<Uint8Array> {
  const packed = gzipSync(blanks);
  for (let left = bytes; left > 0; left -= blanks.length) {
    yield left >= blanks.length ? packed : gzipSync(blanks.subarray(0, left));
  }
  yield gzipSync(body);
}
