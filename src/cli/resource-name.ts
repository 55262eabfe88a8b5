// The name of an object as `kubectl get -o name` prints it.
import { group, kind } from '../api/registryreplication.ts';

/** `registryreplication.georeplication.dev/myacr0007`, which kubectl takes as an argument. */
export function resourceName(name: string): string {
  return `${kind.toLowerCase()}.${group}/${name}`;
}
