// Parses the path and the body of a request to the API server.
import type { IncomingMessage } from 'node:http';
import { parse as parseYaml, YAMLError } from 'yaml';
import type { Json } from './object.ts';
import { badRequest, tooLarge, unsupportedMediaType } from './status.ts';

/** Bytes; kube-apiserver's own limit. */
const bodyLimit = 3 * 1024 * 1024;

/** A path below /api or /apis that names a resource. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Undefined for a path that cannot name a resource. */
export function resourcePath(pathname: string): ResourcePath | undefined {
  const [root, ...parts] = segments(pathname);
  const group = root === 'api' ? '' : root === 'apis' ? parts.shift() : undefined;
  const version = parts.shift();
  if (group === undefined || version === undefined || !parts.length || parts.length > 5) return undefined;
  // `namespaces/x/status` is a subresource, `namespaces/x/leases` is not.
  const isNamespaced =
    parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '');
  const namespace = isNamespaced ? parts[1] : undefined;
  const [plural = '', name, subresource, ...rest] = isNamespaced ? parts.slice(2) : parts;
  if (rest.length) return undefined;
  return { group, version, plural, namespace, name, subresource };
}

function segments(pathname: string): string[] {
  try {
    return pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(pathname)}`);
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw tooLarge(bodyLimit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

const objectTypes = ['application/json', 'application/yaml'];

/** An object in JSON or YAML; undefined if the body is empty. */
export async function readObject(request: IncomingMessage): Promise<Json | undefined> {
  const type = mediaType(request);
  const text = (await readBody(request)).toString('utf8');
  if (!text.trim()) return undefined;
  if (type === 'application/yaml') return fromYaml(text);
  if (type !== '' && type !== 'application/json') throw unsupportedMediaType(objectTypes);
  return fromJson(text, 'the object provided is unrecognized: ');
}

export function fromJson(text: string, prefix = ''): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`${prefix}json parse error: ${error.message}`);
  }
}

export function fromYaml(text: string): Json {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLError)) throw error;
    throw badRequest(`error converting YAML to JSON: ${error.message.split('\n')[0]}`);
  }
}
