// The licences of what the bundle holds: only those that let it be passed on in an image, and all of their texts in one file.
import { type BundledPackage, identify } from './bundled-packages.ts';

/** SPDX ids. Each asks for its text to go along, at most; another one is for a person to read before it is added here. */
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
  const complaints = packages.flatMap((bundled) => complaintAbout(bundled) ?? []);
  if (complaints.length > 0) throw new LicenseError(`Not to be bundled: ${complaints.join('; ')}.`);
  const list = packages.map((bundled) => `${identify(bundled)}  ${bundled.license}`);
  const texts = packages.map((bundled) => [rule, identify(bundled), rule, ...bundled.notices].join('\n\n'));
  return `${[`main.mjs holds code of these packages:`, list.join('\n'), ...texts, rule, legalComments.trim()].join('\n\n')}\n`;
}

const rule = '-'.repeat(80);

function complaintAbout(bundled: BundledPackage): string | undefined {
  const { license, notices } = bundled;
  if (!license) return `${identify(bundled)} names no licence`;
  if (!allowed.has(license))
    return `${identify(bundled)} is under ${license}, which scripts/licenses.ts does not allow`;
  return notices.length === 0 ? `${identify(bundled)} has no file with the text of its licence` : undefined;
}
