// The components for a network with a proxy, as docs/install.md combines them.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { buildOverlay, type Deployment, findOnly, literalEnv, type Manifest, root } from '../manifests.ts';
import { podSecurityViolations } from '../pod-security.ts';

interface NetworkPolicy extends Manifest {
  readonly spec: { readonly podSelector: object; readonly policyTypes: readonly string[]; readonly egress: unknown };
}

describeWithKubectl('the manifests for a network with a proxy', () => {
  let manifests: Manifest[];

  before(async () => {
    const [, section = ''] =
      /^## Behind a proxy$(.*?)^## /ms.exec(readFileSync(`${root}/docs/install.md`, 'utf8')) ?? [];
    const [, text = ''] = /```yaml\n(.*?)```/s.exec(section) ?? [];
    manifests = await buildOverlay(text);
  });

  const podOf = () => findOnly<Deployment>(manifests, 'Deployment').spec.template.spec;

  it("name the proxy, and let its port out besides the operator's own", () => {
    const { HTTPS_PROXY: proxy = '' } = literalEnv(podOf().containers[0]);
    const [policy, ...others] = manifests.filter(
      ({ metadata }) => metadata.name === 'acr-replication-operator-proxy',
    ) as NetworkPolicy[];
    expect(others).to.deep.equal([]);
    const own = manifests.find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'acr-replication-operator',
    ) as NetworkPolicy;
    expect(policy?.metadata).to.include({ namespace: own.metadata.namespace });
    expect(policy?.metadata.labels).to.deep.equal(own.metadata.labels);
    expect(policy?.spec).to.deep.equal({
      podSelector: own.spec.podSelector,
      policyTypes: ['Egress'],
      egress: [{ ports: [{ protocol: 'TCP', port: Number(new URL(proxy).port) }] }],
    });
  });

  it('mount the private CA where Node reads it', () => {
    const { NODE_EXTRA_CA_CERTS: file } = literalEnv(podOf().containers[0]);
    expect(file).to.equal('/etc/private-ca/ca.crt');
    expect(podOf()).to.have.deep.property('volumes', [{ name: 'private-ca', configMap: { name: 'private-ca' } }]);
    expect(podOf().containers[0]).to.have.deep.property('volumeMounts', [
      { name: 'private-ca', mountPath: '/etc/private-ca', readOnly: true },
    ]);
    expect(podSecurityViolations(podOf())).to.deep.equal([]);
  });

  it('move to another namespace as a whole', async () => {
    const components = ['proxy', 'private-ca'].map((name) => `deploy/components/${name}`);
    const moved = await buildOverlay(
      JSON.stringify({ namespace: 'platform-acr', resources: ['deploy/base'], components }),
    );
    expect(JSON.stringify(moved)).not.to.contain('acr-replication-system');
  });
});
