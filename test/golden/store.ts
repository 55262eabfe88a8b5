// Stores the objects of scenarios.ts on an API server, with their status and their events.
import {
  CoreV1Api,
  CustomObjectsApi,
  EventsV1Api,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from '@kubernetes/client-node';
import { group, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import { kubeApi } from '../kube-api.ts';
import type { Scenario } from './play.ts';

/** When all events have happened, but for those before it, which are a minute apart. */
const lastEventMs = Date.parse('2026-11-22T12:00:00Z');

export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await kubeApi(client, CoreV1Api).createNamespace({ body: { metadata: { name } } });
}

/** Resolves to the object as it is stored. */
export async function storeScenario(
  client: KubeClient,
  namespace: string,
  name: string,
  { object, events }: Scenario,
): Promise<RegistryReplication> {
  const api = kubeApi(client, CustomObjectsApi);
  const { apiVersion, kind, spec, status } = object;
  const target = { group, version, plural, namespace };
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  // The server counts the generations: one edit each, and the last one makes the spec what it is.
  const edits = (object.metadata.generation ?? 1) - 1;
  const suspendAfter = (edit: number) => (spec.suspend ?? false) !== ((edits - edit) % 2 === 1);
  const body = { apiVersion, kind, metadata: { name, namespace }, spec: { ...spec, suspend: suspendAfter(0) } };
  const created: RegistryReplication = await api.createNamespacedCustomObject({ ...target, body });
  for (let edit = 1; edit <= edits; edit++) {
    const body = { spec: { suspend: suspendAfter(edit) } };
    await api.patchNamespacedCustomObject({ ...target, name, body }, mergePatch);
  }
  const stored = await api.patchNamespacedCustomObjectStatus({ ...target, name, body: { status } }, mergePatch);
  const { uid = '' } = created.metadata;
  for (const [n, { type, reason, action, note }] of events.entries())
    await kubeApi(client, EventsV1Api).createNamespacedEvent({
      namespace,
      body: {
        metadata: { name: `${name}.${n}`, namespace },
        eventTime: new V1MicroTime(lastEventMs - (events.length - 1 - n) * 60_000),
        type,
        reason,
        action,
        note,
        regarding: { apiVersion: apiVersion ?? '', kind: kind ?? '', name, namespace, uid },
        reportingController: 'acr-replication-operator',
        reportingInstance: 'pod',
      },
    });
  return stored;
}
