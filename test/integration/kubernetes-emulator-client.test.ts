// The Kubernetes emulator works with an unmodified @kubernetes/client-node: typed clients, custom objects, informers.
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  EventsV1Api,
  KubeConfig,
  type KubernetesObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from '@kubernetes/client-node';
import { expect } from 'chai';
import { type KubernetesEmulator, startKubernetesEmulator } from '../emulators/kubernetes/emulator.ts';

const group = 'georeplication.dev';
const version = 'v1alpha1';
const plural = 'registryreplications';
const namespace = 'default';

const replication = (name: string) => ({
  apiVersion: `${group}/${version}`,
  kind: 'RegistryReplication',
  metadata: { name },
  spec: {
    registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'rg', name: 'myACR0007' },
    regions: [{ location: 'japaneast' }],
  },
});

describe('the Kubernetes emulator and client-node', () => {
  let emulator: KubernetesEmulator;
  let config: KubeConfig;
  let custom: CustomObjectsApi;

  beforeEach(async () => {
    emulator = await startKubernetesEmulator({ crds: ['crds/registryreplications.yaml'] });
    config = new KubeConfig();
    config.loadFromString(emulator.kubeconfig);
    custom = config.makeApiClient(CustomObjectsApi);
  });

  afterEach(() => emulator.close());

  const create = (name: string): Promise<unknown> =>
    custom.createNamespacedCustomObject({ group, version, plural, namespace, body: replication(name) });

  it('feeds an informer across ended watches and dropped history', async () => {
    await create('before');
    const informer = makeInformer<KubernetesObject>(
      config,
      `/apis/${group}/${version}/${plural}`,
      () => custom.listCustomObjectForAllNamespaces({ group, version, resourcePlural: plural }),
      undefined,
    );
    const added = new Map<string, () => void>();
    const appears = (name: string) => new Promise<void>((resolve) => added.set(name, resolve));
    informer.on('add', (object) => added.get(object.metadata?.name ?? '')?.());
    const before = appears('before');
    await informer.start();
    await before;
    const first = appears('first');
    await create('first');
    await first;
    emulator.closeWatches();
    const second = appears('second');
    await create('second');
    await second;
    emulator.compact();
    emulator.closeWatches();
    const third = appears('third');
    await create('third');
    await third;
    await informer.stop();
  });

  it('patches the status by the given patch type, and reports refusals with code and message', async () => {
    await create('a');
    const options = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    const target = { group, version, plural, namespace, name: 'a' };
    const body = { status: { phase: 'Ready' } };
    const patched: { status?: object } = await custom.patchNamespacedCustomObjectStatus({ ...target, body }, options);
    expect(patched.status).to.deep.equal({ observedGeneration: -1, phase: 'Ready' });
    const refused = await create('a').catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(ApiException);
    expect((refused as ApiException<string>).code).to.equal(409);
    expect((refused as ApiException<string>).body).to.match(/already exists/);
  });

  it('stores leases with conflicts, as leader election needs them', async () => {
    const api = config.makeApiClient(CoordinationV1Api);
    const spec = { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: new V1MicroTime() };
    const lease = await api.createNamespacedLease({ namespace, body: { metadata: { name: 'leader' }, spec } });
    const taken = await api.replaceNamespacedLease({
      name: 'leader',
      namespace,
      body: { ...lease, spec: { ...spec, holderIdentity: 'two' } },
    });
    expect(taken.spec?.holderIdentity).to.equal('two');
    // A string, whatever client-node's types say.
    expect(new Date(String(taken.spec?.renewTime))).to.deep.equal(new Date(spec.renewTime));
    const late = await api.replaceNamespacedLease({ name: 'leader', namespace, body: lease }).catch((e: unknown) => e);
    expect((late as ApiException<string>).code).to.equal(409);
  });

  it('returns events written through events.k8s.io in core', async () => {
    const regarding = { apiVersion: `${group}/${version}`, kind: 'RegistryReplication', name: 'a', namespace };
    await config.makeApiClient(EventsV1Api).createNamespacedEvent({
      namespace,
      body: {
        metadata: { name: 'a.1' },
        eventTime: new V1MicroTime(),
        reportingController: 'georeplication.dev/operator',
        reportingInstance: 'one',
        action: 'Create',
        reason: 'ReplicaCreating',
        type: 'Normal',
        note: 'Creating japaneast',
        regarding,
      },
    });
    const fieldSelector = 'involvedObject.name=a';
    const { items } = await config.makeApiClient(CoreV1Api).listNamespacedEvent({ namespace, fieldSelector });
    expect(items.map(({ reason, message }) => `${reason}: ${message}`)).to.deep.equal([
      'ReplicaCreating: Creating japaneast',
    ]);
  });
});
