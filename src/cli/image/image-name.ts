// Parses the image that a user names: `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, with or without the login server. Pure.
import type { ImageReference } from '../../azure/manifest-reader.ts';
import { loginServerOf } from '../../azure/registry-endpoint.ts';

export interface ImageName extends ImageReference {
  /** If the name has one, also that of a regional endpoint. */
  readonly loginServer: string | undefined;
}

/** By the OCI distribution specification 1.1. */
const repository = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tag = /^\w[\w.-]{0,127}$/;
const digest = /^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$/;

/** Undefined if it is neither; a tag is never assumed. Of `REPOSITORY:TAG@DIGEST` the digest counts, as for a pull. */
export function parseImage(text: string): ImageName | undefined {
  const [, host = '', path = ''] = /^(?:([^/]+\.[^/]+)\/)?(.+)$/s.exec(text.trim()) ?? [];
  const loginServer = host === '' ? undefined : loginServerOf(host.toLowerCase());
  if (host !== '' && loginServer === undefined) return undefined;
  const [, name = '', tagged, digested] = /^([^:@]+)(?::([^@]+))?(?:@(.+))?$/s.exec(path) ?? [];
  const reference = digested ?? tagged;
  if (name.length > 255 || !repository.test(name) || reference === undefined) return undefined;
  if (tagged !== undefined && !tag.test(tagged)) return undefined;
  if (digested !== undefined && !digest.test(digested)) return undefined;
  return { loginServer, repository: name, reference };
}

/** As a pull names it. */
export function formatImage({ repository, reference }: ImageReference): string {
  return `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}
