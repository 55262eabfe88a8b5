// The name of an object as `kubectl get -o name` prints it, and in a command.
import { group, kind } from '../api/registryreplication.ts';

/** `registryreplication.georeplication.dev/myacr0007`, which kubectl takes as an argument. */
export function resourceName(name: string): string {
  return `${kind.toLowerCase()}.${group}/${name}`;
}

/** The command that ends a suspension. */
export function resumeCommand(name: string, namespace: string): string {
  return `kubectl georep resume ${name} -n ${namespace}`;
}
