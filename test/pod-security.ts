// Checks a pod against Pod Security's level "restricted" (Kubernetes' Pod Security Standards, v1.33), for API servers before
// 1.25 and for machines that have none.
interface SecurityContext {
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly seccompProfile?: { readonly type: string };
  readonly procMount?: string;
  readonly windowsOptions?: unknown;
  readonly seLinuxOptions?: unknown;
  readonly appArmorProfile?: { readonly type: string };
  readonly sysctls?: readonly unknown[];
}

interface Container {
  readonly name: string;
  readonly securityContext?: SecurityContext;
  readonly ports?: readonly { readonly hostPort?: number }[];
}

export interface Pod {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

const volumeTypes = new Set(
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' '),
);
const profiles = ['RuntimeDefault', 'Localhost'];

/** Violations, one per line. SELinux, AppArmor, Windows and sysctls count as violations if they are set at all. */
export function podSecurityViolations(pod: Pod): string[] {
  const { securityContext: common = {}, volumes = [], containers, initContainers = [] } = pod;
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => pod[name]);
  const badVolumes = volumes.flatMap(({ name, ...source }) =>
    Object.keys(source).some((type) => !volumeTypes.has(type)) ? [`volume ${name}`] : [],
  );
  const inContainers = [...containers, ...initContainers].flatMap((container) =>
    violationsIn(container, common).map((what) => `${container.name}: ${what}`),
  );
  return [...shared, ...badVolumes, ...inContainers];
}

function violationsIn({ securityContext: own = {}, ports = [] }: Container, common: SecurityContext): string[] {
  const { capabilities = {}, seccompProfile, runAsNonRoot, runAsUser } = { ...common, ...own };
  const checks: Readonly<Record<string, boolean>> = {
    privileged: own.privileged !== true,
    allowPrivilegeEscalation: own.allowPrivilegeEscalation === false,
    'capabilities.drop': own.capabilities?.drop?.includes('ALL') === true,
    'capabilities.add': (capabilities.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
    runAsNonRoot: runAsNonRoot === true,
    runAsUser: runAsUser !== 0,
    seccompProfile: seccompProfile !== undefined && profiles.includes(seccompProfile.type),
    procMount: own.procMount === undefined || own.procMount === 'Default',
    hostPort: ports.every(({ hostPort }) => !hostPort),
  };
  const foreign = (['seLinuxOptions', 'appArmorProfile', 'windowsOptions', 'sysctls'] as const).filter(
    (name) => common[name] !== undefined || own[name] !== undefined,
  );
  return [...Object.keys(checks).filter((name) => !checks[name]), ...foreign];
}
