// The manifest by which krew, kubectl's manager of plugins, installs the executables
// (https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/).
import { dump } from 'js-yaml';

interface Archive {
  readonly cpu: 'x64' | 'arm64';
  /** The file's name. */
  readonly archive: string;
  readonly sha256: string;
}

/** As Go names them. */
const arch = { x64: 'amd64', arm64: 'arm64' } as const;

export function krewManifest(
  { version, homepage }: { readonly version: string; readonly homepage: string },
  archives: readonly Archive[],
): string {
  const manifest = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'georep' },
    spec: {
      version: `v${version}`,
      homepage,
      shortDescription: 'Show and steer replicas of Azure registries',
      // At most 80 characters a line (krew's validate-krew-manifest, read 2026-11-28).
      description: [
        'Lists the replicas of Azure container registries that RegistryReplication',
        'objects declare, shows what the operator still plans and what has happened,',
        'and edits regions, routing and suspension.',
        '',
      ].join('\n'),
      platforms: archives.map(({ cpu, archive, sha256 }) => ({
        selector: { matchLabels: { os: 'linux', arch: arch[cpu] } },
        uri: `${homepage}/releases/download/v${version}/${archive}`,
        sha256,
        bin: 'kubectl-georep',
      })),
    },
  };
  return dump(manifest, { lineWidth: -1 });
}
