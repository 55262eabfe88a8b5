// Names of objects as kubectl prints them.
import { group, kind } from '../api/registryreplication.ts';

/** `registryreplication.georeplication.dev/myacr0007`, which kubectl takes as an argument. */
export function resourceName({ object }: { readonly object: string }): string {
  return `${kind.toLowerCase()}.${group}/${object}`;
}
