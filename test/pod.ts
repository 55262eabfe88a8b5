// What becomes of the operator's Deployment in a pod: the arguments and the environment of its process, as the kubelet and AKS's
// webhook for workload identity make them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Container, type Deployment, findOnly, type Manifest } from './manifests.ts';

export interface Pod {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Machine {
  /** Volumes are mounted below it, and variables that name a mounted file lead there; default: none can be mounted. */
  readonly directory?: string;
  /** What the webhook adds to a pod that has its label, besides the client of the ServiceAccount. */
  readonly webhook?: {
    readonly tenantId: string;
    readonly authorityHost: string;
    /** With a token of the ServiceAccount. */
    readonly tokenFile: string;
  };
}

/** @param objects The Deployment, its ServiceAccount, and the Secrets and ConfigMaps that it names. */
export async function podOf(objects: readonly Manifest[], { directory, webhook }: Machine = {}): Promise<Pod> {
  const { template } = findOnly<Deployment>(objects, 'Deployment').spec;
  const [container] = template.spec.containers;
  const env: Record<string, string> = { ...sharedEnv(container, objects), ...ownEnv(container, objects) };
  if (webhook && template.metadata.labels?.['azure.workload.identity/use'] === 'true') {
    const annotation = (name: string) => findOnly(objects, 'ServiceAccount').metadata.annotations?.[name];
    // It changes no variable that is there (azure-workload-identity, pkg/webhook/webhook.go).
    const added = {
      AZURE_CLIENT_ID: annotation('azure.workload.identity/client-id') ?? '',
      AZURE_TENANT_ID: annotation('azure.workload.identity/tenant-id') ?? webhook.tenantId,
      AZURE_FEDERATED_TOKEN_FILE: webhook.tokenFile,
      AZURE_AUTHORITY_HOST: webhook.authorityHost,
    };
    for (const [name, value] of Object.entries(added)) env[name] ??= value;
  }
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    if (directory === undefined) throw new Error(`no directory for the volume ${name}`);
    const volume = template.spec.volumes?.find((one) => one.name === name);
    const source = volume?.configMap
      ? dataOf(objects, 'ConfigMap', volume.configMap.name)
      : dataOf(objects, 'Secret', volume?.secret?.secretName);
    const mounted = join(directory, mountPath);
    await mkdir(mounted, { recursive: true });
    for (const [key, text] of Object.entries(source ?? {})) await writeFile(join(mounted, key), text);
    for (const [variable, value] of Object.entries(env))
      if (value === mountPath || value.startsWith(`${mountPath}/`)) env[variable] = join(directory, value);
  }
  return { args: container.args, env };
}

/** The variables of whole Secrets. */
function sharedEnv({ envFrom = [] }: Container, objects: readonly Manifest[]): Record<string, string> {
  const sources = envFrom.map(({ secretRef: { name, optional } }) => {
    const data = dataOf(objects, 'Secret', name);
    if (!data && !optional) throw new Error(`no Secret ${name}`);
    return data ?? {};
  });
  return Object.assign({}, ...sources);
}

function ownEnv({ env }: Container, objects: readonly Manifest[]): Record<string, string> {
  const entries = env.map(({ name, value, valueFrom }) => {
    if (value !== undefined) return [name, value];
    // The only field that is used: metadata.name.
    if (valueFrom?.fieldRef) return [name, 'operator-1'];
    const { name: secret = '', key = '' } = valueFrom?.secretKeyRef ?? {};
    const found = dataOf(objects, 'Secret', secret)?.[key];
    if (found === undefined) throw new Error(`no Secret ${secret} with ${key} for ${name}`);
    return [name, found];
  });
  return Object.fromEntries(entries);
}

interface WithData extends Manifest {
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

function dataOf(objects: readonly Manifest[], kind: string, name?: string): Record<string, string> | undefined {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name) as WithData | undefined;
  if (!found) return undefined;
  const data = Object.entries(found.data ?? {}).map(([key, text]) => [
    key,
    kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text,
  ]);
  return { ...Object.fromEntries(data), ...found.stringData };
}
