// Checks that the licences of the bundled packages allow distribution in an image, and collects their texts in one file.
import { type BundledPackage, identify } from './bundled-packages.ts';

/** SPDX ids of licences that require at most their text to be distributed too. A person reads a licence before adding it here. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
]);

export class LicenseError extends Error {}

/**
 * @param legalComments Of the bundled code, as esbuild collects them: some packages hold code of others.
 * @throws {LicenseError} One line that names each package without a licence, without its text, or with one not allowed.
 */
export function licenseFile(packages: readonly BundledPackage[], legalComments: string): string {
  const violations = packages.flatMap((bundled) => violationOf(bundled) ?? []);
  if (violations.length > 0) throw new LicenseError(`Not to be bundled: ${violations.join('; ')}.`);
  const list = packages.map((bundled) => `${identify(bundled)}  ${bundled.license}`);
  const texts = packages.map((bundled) => [rule, identify(bundled), rule, ...bundled.notices].join('\n\n'));
  return `${[`main.mjs and its chunks hold code of these packages:`, list.join('\n'), ...texts, rule, legalComments.trim()].join('\n\n')}\n`;
}

const rule = '-'.repeat(80);

function violationOf(bundled: BundledPackage): string | undefined {
  const { license, notices } = bundled;
  if (!license) return `${identify(bundled)} names no licence`;
  if (!allowed.has(license))
    return `${identify(bundled)} is under ${license}, which scripts/licenses.ts does not allow`;
  return notices.length === 0 ? `${identify(bundled)} has no file with the text of its licence` : undefined;
}
