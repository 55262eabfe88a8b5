// Tests the Pod Security check that the manifests must pass.
import { expect } from 'chai';
import { type Pod, podSecurityViolations } from '../pod-security.ts';

describe('Pod Security "restricted"', () => {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  const container = { name: 'operator', securityContext };
  const pod: Pod = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
  };
  const inContainer = (change: object): Pod => ({
    ...pod,
    containers: [{ ...container, securityContext: { ...securityContext, ...change } }],
  });

  it('accepts a pod that is not root, cannot become root, and has no capabilities', () => {
    expect(podSecurityViolations(pod)).to.deep.equal([]);
  });

  for (const [what, broken, violation] of [
    ['shares the network of its node', { ...pod, hostNetwork: true }, 'hostNetwork'],
    ['mounts a folder of its node', { ...pod, volumes: [{ name: 'disk', hostPath: { path: '/' } }] }, 'volume disk'],
    ['may be root', { ...pod, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, 'runAsNonRoot'],
    ['may call anything of its kernel', { ...pod, securityContext: { runAsNonRoot: true } }, 'seccompProfile'],
    ['is root', inContainer({ runAsUser: 0 }), 'runAsUser'],
    ['may gain rights', inContainer({ allowPrivilegeEscalation: true }), 'allowPrivilegeEscalation'],
    ['keeps capabilities', inContainer({ capabilities: {} }), 'capabilities.drop'],
    ['adds one', inContainer({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }), 'capabilities.add'],
    ['takes a port of its node', { ...pod, containers: [{ ...container, ports: [{ hostPort: 80 }] }] }, 'hostPort'],
    ['has a container that says nothing', { ...pod, initContainers: [{ name: 'init' }] }, 'init: capabilities.drop'],
  ] as const)
    it(`rejects a pod that ${what}`, () => {
      expect(podSecurityViolations(broken).join()).to.contain(violation);
    });
});
