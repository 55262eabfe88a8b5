// Decides whether an object may use a registry and the operator's default identity, from flags and namespace annotations.
// Pure. Azure itself checks the identity's rights.
import { allowedRegistries, type RegistryReplication } from '../api/registryreplication.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import type { Reason } from './reasons.ts';
import { isRetryRequested } from './region-state.ts';
import { registryId } from './validation.ts';

export interface Rules {
  /** For objects without an identity of their own. */
  readonly defaultIdentity: 'allow' | 'deny';
  /** For objects in namespaces that list no registries. */
  readonly defaultRegistries: 'allow' | 'deny';
}

/** The annotations of an object's namespace, or why they cannot be read. */
export type NamespaceReading =
  | { readonly annotations: Readonly<Record<string, string>> }
  | { readonly refused: string; readonly words: string };

/**
 * Maximum age in ms of a cached namespace or ServiceAccount: 0 after an edit of the object, because its author may have
 * changed them just before.
 */
export function readingAge(object: RegistryReplication): number {
  return isRetryRequested(object) ? 0 : 60_000;
}

export interface Denial {
  readonly reason: Extract<Reason, 'DefaultIdentityDenied' | 'RegistryNotAllowed' | 'NamespaceUnreadable'>;
  readonly message: string;
}

/** Why Azure may not be accessed for this object; undefined if access is allowed. In doubt access is denied. */
export function authorize(
  { spec, metadata }: RegistryReplication,
  { defaultIdentity, defaultRegistries }: Rules,
  namespace: NamespaceReading,
): Denial | undefined {
  if (spec.identity === undefined && defaultIdentity === 'deny') {
    const message =
      'spec.identity is not set, and the operator demands it (--default-identity=deny). Set spec.identity.serviceAccountName to a ServiceAccount that is set up for workload identity';
    return { reason: 'DefaultIdentityDenied', message };
  }
  if ('refused' in namespace) {
    const message = `the operator cannot read namespace ${metadata.namespace}, which may limit the registries of its objects. Apply deploy/ again: it lets the operator get namespaces (${namespace.words})`;
    return { reason: 'NamespaceUnreadable', message };
  }
  const refuse = (message: string): Denial => ({ reason: 'RegistryNotAllowed', message });
  const id = registryId(spec.registry);
  const whoMay = 'An administrator can allow the registry';
  const listed = namespace.annotations[allowedRegistries];
  if (listed === undefined) {
    if (defaultRegistries === 'allow') return undefined;
    return refuse(
      `namespace ${metadata.namespace} has no annotation ${allowedRegistries}, which --default-registries=deny demands. ${whoMay}: kubectl annotate namespace ${shellQuote(metadata.namespace)} ${shellQuote(`${allowedRegistries}=${id}`)}`,
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
    `annotation ${allowedRegistries} of namespace ${metadata.namespace} does not list registry ${spec.registry.name}${hint}. ${whoMay}, by adding ${id} there`,
  );
}

/** Splits the annotation at commas and white space. */
export function patternsIn(annotation: string): string[] {
  return annotation.split(/[\s,]+/).filter((entry) => entry !== '');
}

/** The segments of a registry's id, with `*` for each variable name. */
const shape = registryId({ subscriptionId: '*', resourceGroup: '*', name: '*' }).split('/');

/** ASCII without characters special in URLs or file systems (`%`, `\`); `isSegment` also rejects `..`. */
const wholeName = /^[-\w.()*]+$/;

/** True if the entry has the form of a registry's ARM id, apart from `*` and letter case. */
function isPattern(pattern: string): boolean {
  const segments = pattern.split('/');
  return segments.length === shape.length && segments.every((segment, n) => isSegment(segment, shape[n] ?? ''));
}

function isSegment(segment: string, word: string): boolean {
  if (word !== '*') return folded(segment) === folded(word);
  return wholeName.test(segment) && /[^.]/.test(segment);
}

/**
 * Matches a registry id segment by segment and, like ARM, ignoring case. `*` matches zero or more characters of one segment.
 * An invalid pattern matches nothing, and only ids of a single registry can match.
 */
export function matches(pattern: string, id: string): boolean {
  const segments = id.split('/');
  if (!isPattern(pattern) || !isPattern(id) || id.includes('*')) return false;
  return pattern.split('/').every((part, n) => isGlobOf(folded(part), folded(segments[n] ?? '')));
}

/** Finds each piece between stars at its earliest position, so hostile patterns cause no backtracking. */
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

/** Folds ASCII only: `toLowerCase` on the whole text would turn the Kelvin sign into k. */
function folded(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
