// `npm run audit`: asks the npm registry for advisories on the packages that the operator needs at run time.
// Exits with 1 only on a finding. A registry without advisories, or without an answer, is reported as "not audited".
import { execFile } from 'node:child_process';

export type Verdict =
  | { readonly type: 'clean'; readonly packages: number }
  | { readonly type: 'findings'; readonly findings: readonly string[] }
  | { readonly type: 'unknown'; readonly why: string };

/** @param registry Default: the one npm is configured with. */
export async function audit(registry?: string): Promise<Verdict> {
  const bounds = ['--fetch-timeout=30000', '--fetch-retries=1'];
  const args = ['audit', '--omit=dev', '--json', ...bounds, ...(registry ? [`--registry=${registry}`] : [])];
  const { promise, resolve } = Promise.withResolvers<string>();
  // npm exits with 1 for a finding and for a registry that refuses; only the report tells them apart.
  execFile('npm', args, { cwd: new URL('..', import.meta.url) }, (_, stdout) => resolve(stdout));
  return verdictOn(await promise);
}

/** npm's report, version 2, or its account of an error: `{message}` or `{error: {summary}}`. */
function verdictOn(printed: string): Verdict {
  const { auditReportVersion, vulnerabilities, metadata, message, error } = JSON.parse(printed || '{}');
  if (auditReportVersion !== 2) return { type: 'unknown', why: message || error?.summary || 'npm printed no report' };
  const findings = Object.values(vulnerabilities as Record<string, Vulnerability>).map(describe);
  return findings.length > 0 ? { type: 'findings', findings } : { type: 'clean', packages: metadata.dependencies.prod };
}

interface Vulnerability {
  readonly name: string;
  readonly severity: string;
  /** Advisories, and the names of vulnerable packages that it needs. */
  readonly via: readonly (string | { readonly title: string; readonly url: string })[];
}

function describe({ name, severity, via }: Vulnerability): string {
  const causes = via.map((cause) => (typeof cause === 'string' ? `needs ${cause}` : `${cause.title} (${cause.url})`));
  return `${name}, ${severity}: ${causes.join('; ')}`;
}

if (import.meta.main) {
  const verdict = await audit();
  switch (verdict.type) {
    case 'clean':
      console.log(`Nothing is known against the ${verdict.packages} packages that are needed at run time.`);
      break;
    case 'findings':
      for (const finding of verdict.findings) console.error(finding);
      process.exitCode = 1;
      break;
    case 'unknown':
      console.log(`NOT AUDITED, for the registry gave no report: ${verdict.why}`);
      break;
    default:
      verdict satisfies never;
  }
}
