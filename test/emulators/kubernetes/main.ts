// A small in-memory Kubernetes API server for trying and testing an operator of custom resources with the real kubectl and
// client libraries.
//
// It serves CustomResourceDefinitions and their objects (structural schemas, defaults, pruning, CEL rules, status, printer
// columns), Namespaces, Nodes, ConfigMaps, ServiceAccounts and their tokens, Leases and Events: create, get, list, watch,
// update, patch, delete, with versions, conflicts, finalizers, selectors, paging, Tables, PartialObjectMetadata, discovery
// and OpenAPI. Server-side apply follows the schemas: fields have managers (managedFields), lists with keys are merged by
// key, `--force-conflicts` takes fields over.
//
// Not supported:
// - server-side apply and managedFields of Events (415), and in CBOR; the managers of what the server itself writes; the limit of
//   ten managers that update an object; ownership of another version of a kind whose versions differ in their fields
// - strategic merge beyond a merge patch, the scale subresource
// - authorization (every token has all rights, except those that a test takes away), admission webhooks, quotas
// - what kube-apiserver refuses in the spec and status of a node, such as another providerID
// - pods, secrets, deployments and every other built-in kind; garbage collection by owner references
// - conversion webhooks, conflicts between the names of two definitions, selectableFields, validation ratcheting
// - CEL's cost limits and compile-time types; of Kubernetes' CEL libraries only what the CEL library has, and replace();
//   equality of list-maps and list-sets in another order
// - protobuf (except `kubectl create namespace` and `kubectl create configmap`) and CBOR; aggregated discovery; OpenAPI v2 in JSON, and its definitions
// - watch's sendInitialEvents (refused, as by a server without WatchList); a list from "any version" is the newest one
// - warnings about duplicate keys in a JSON body; expiry of Events
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startKubernetesEmulator } from './emulator.ts';

function port(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  throw new InvalidArgumentError('A port is a number from 0 (any free one) to 65535.');
}

const program = new Command('emulator:kubernetes')
  .description('A Kubernetes API server in memory, on loopback, for the real kubectl and client libraries.')
  .option('--port <port>', 'where to listen on 127.0.0.1; 0 takes any free port', port, 6443)
  .option('--kubeconfig <file>', 'the kubeconfig to write', '.demo/kubernetes-emulator.kubeconfig')
  .option('--crd <file...>', 'YAML files with CustomResourceDefinitions to establish at the start');

program.parse();
const options = program.opts<{ port: number; kubeconfig: string; crd?: string[] }>();
// npm runs scripts in the project's directory; paths are relative to the user's.
const path = (text: string) => resolve(process.env.INIT_CWD ?? '.', text);
const kubeconfig = path(options.kubeconfig);

try {
  const emulator = await startKubernetesEmulator({ port: options.port, crds: options.crd?.map(path) ?? [] });
  await mkdir(dirname(kubeconfig), { recursive: true });
  await writeFile(kubeconfig, emulator.kubeconfig, { mode: 0o600 });
  process.stdout.write(
    [
      `Kubernetes API emulator on ${emulator.url}. Use it from another terminal:`,
      '',
      `  export KUBECONFIG=${kubeconfig}`,
      '  kubectl apply -k crds',
      '  kubectl get crds',
      '',
      'Ctrl-C ends it; nothing is kept.',
      '',
    ].join('\n'),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
} catch (error) {
  program.error(`The emulator did not start: ${error instanceof Error ? error.message : String(error)}`);
}
