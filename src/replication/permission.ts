// May this object act on this registry, and as whom: what those who run the operator and those who may write namespaces have
// laid down. Pure. Whether an identity has the rights in Azure, Azure says.
import { allowedRegistries, type RegistryReplication } from '../api/registryreplication.ts';
import { shellQuote } from '../shell-quote.ts';
import type { Reason } from './reasons.ts';
import { startsOver } from './regions.ts';
import { registryId } from './validation.ts';

export interface Rules {
  /** For objects without an identity of their own. */
  readonly defaultIdentity: 'allow' | 'deny';
  /** For objects in namespaces that list no registries. */
  readonly defaultRegistries: 'allow' | 'deny';
}

/** What is known of an object's namespace: its annotations, or why they cannot be had. */
export type NamespaceReading =
  | { readonly annotations: Readonly<Record<string, string>> }
  | { readonly refused: string; readonly words: string };

/**
 * ms that what is known of an object's namespace or ServiceAccount may be old: nothing where a person has just written the
 * object, who may have written the other just before.
 */
export function readingAge(object: RegistryReplication): number {
  return startsOver(object) ? 0 : 60_000;
}

export interface Refusal {
  readonly reason: Extract<Reason, 'DefaultIdentityDenied' | 'RegistryNotAllowed' | 'NamespaceUnreadable'>;
  readonly message: string;
}

/** Why nothing may be read or written in Azure for this object; undefined where it may. In doubt it may not. */
export function refusalOf(
  { spec, metadata }: RegistryReplication,
  { defaultIdentity, defaultRegistries }: Rules,
  namespace: NamespaceReading,
): Refusal | undefined {
  if (spec.identity === undefined && defaultIdentity === 'deny') {
    const message =
      'this object has no identity of its own, and the operator lends nobody its own (--default-identity=deny). Set spec.identity.serviceAccountName to a ServiceAccount that is set up for workload identity';
    return { reason: 'DefaultIdentityDenied', message };
  }
  if ('refused' in namespace) {
    const message = `the operator cannot read namespace ${metadata.namespace}, so it does not know which registries may be named there: ${namespace.words}. Let it get the namespace (deploy/ has the rule)`;
    return { reason: 'NamespaceUnreadable', message };
  }
  const refuse = (message: string): Refusal => ({ reason: 'RegistryNotAllowed', message });
  const id = registryId(spec.registry);
  const whoMay = 'Whoever may write namespaces can allow it';
  const listed = namespace.annotations[allowedRegistries];
  if (listed === undefined) {
    if (defaultRegistries === 'allow') return undefined;
    return refuse(
      `namespace ${metadata.namespace} has no annotation ${allowedRegistries}, and the operator demands one (--default-registries=deny). ${whoMay}: kubectl annotate namespace ${shellQuote(metadata.namespace)} ${shellQuote(`${allowedRegistries}=${id}`)}`,
    );
  }
  const patterns = patternsIn(listed);
  if (patterns.some((pattern) => matches(pattern, id))) return undefined;
  const odd = patterns.find((pattern) => !isPattern(pattern));
  const hint =
    odd === undefined
      ? ''
      : `; its entry ${JSON.stringify(odd.slice(0, 200))} is no pattern of a registry's id, and allows nothing`;
  return refuse(
    `the annotation ${allowedRegistries} of namespace ${metadata.namespace} does not list ${id}${hint}. ${whoMay}, by adding it there`,
  );
}

/** The entries of the annotation: separated by commas or white space. */
export function patternsIn(annotation: string): string[] {
  return annotation.split(/[\s,]+/).filter((entry) => entry !== '');
}

/** Every word of the id of a registry, `*` where any name may stand. */
const shape = registryId({ subscriptionId: '*', resourceGroup: '*', name: '*' }).split('/');

/** ASCII alone, and none of what URLs or file systems read as more than a letter (`%`, `\`, `..`). */
const wholeName = /^[-\w.()*]+$/;

/** Whether the entry is an ARM id of a registry, as ARM would write it but for `*` and the case of letters. */
function isPattern(pattern: string): boolean {
  const segments = pattern.split('/');
  return segments.length === shape.length && segments.every((segment, n) => isSegment(segment, shape[n] ?? ''));
}

function isSegment(segment: string, word: string): boolean {
  if (word !== '*') return folded(segment) === folded(word);
  return wholeName.test(segment) && /[^.]/.test(segment);
}

/**
 * Whether the pattern stands for this id. Segment by segment, as ARM compares ids: without regard to case; `*` stands for any
 * characters of one segment, or none. What is no pattern matches nothing, and no id but that of one registry is matched.
 */
export function matches(pattern: string, id: string): boolean {
  const segments = id.split('/');
  if (!isPattern(pattern) || !isPattern(id) || id.includes('*')) return false;
  return pattern.split('/').every((part, n) => isGlobOf(folded(part), folded(segments[n] ?? '')));
}

/** The pieces between the stars, each found as early as can be: linear, whatever somebody writes. */
function isGlobOf(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return glob === text;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let from = first.length;
  for (const piece of rest) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

/** ASCII only: `toLowerCase` also makes a K of the Kelvin sign. */
function folded(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
