// The software bill of materials of the bundle, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).
import { type BundledPackage, type BundledPackages, identify } from './bundled-packages.ts';

export interface Project {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** Reproducible: the document has neither a time nor a serial number. */
export function sbomOf(
  { name, version, description, license }: Project,
  { packages, required }: BundledPackages,
): object {
  const refs = new Map(packages.map((bundled) => [identify(bundled), packageUrl(bundled)]));
  const refsOf = (requires: readonly string[]) => requires.map((required) => refs.get(required));
  const self = identify({ name, version });
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': self,
        name,
        version,
        description,
        licenses: [{ license: { id: license } }],
      },
    },
    components: packages.map((bundled) => ({
      type: 'library',
      'bom-ref': packageUrl(bundled),
      ...groupAndName(bundled),
      version: bundled.version,
      hashes: [sha512(bundled.integrity)],
      licenses: [{ license: { id: bundled.license } }],
      purl: packageUrl(bundled),
    })),
    dependencies: [
      { ref: self, dependsOn: refsOf(required) },
      ...packages.map((bundled) => ({ ref: packageUrl(bundled), dependsOn: refsOf(bundled.requires) })),
    ],
  };
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/npm-definition.md */
function packageUrl({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** A scope is CycloneDX's group. */
function groupAndName({ name }: BundledPackage): { group?: string | undefined; name: string } {
  const [group, inGroup] = name.split('/');
  return inGroup ? { group, name: inGroup } : { name };
}

function sha512(integrity: string): { alg: 'SHA-512'; content: string } {
  const base64 = /^sha512-(\S+)$/.exec(integrity)?.[1];
  if (!base64) throw new Error(`Not a sha512 of package-lock.json: ${integrity}`);
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') };
}
