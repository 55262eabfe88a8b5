// Lets objects that were parsed from JSON share equal strings: the objects of one kind repeat the same locations, messages and times,
// and each parsed one has copies of its own.

/** V8's parser shares shorter strings itself (seen in heap snapshots of Node 24: 9 characters are shared, 10 are not). */
const minLength = 10;
/** A longer text is rarely repeated, and must not be kept after its object. */
const maxLength = 256;
/** Strings that are kept for sharing, at most 1 MB. */
const maxStrings = 4_096;

/**
 * Returns a function that replaces, in place, each string in a JSON value by an equal one that it has seen before. The value stays
 * deeply equal to what it was. When many strings have been seen, all are forgotten: later values share among themselves.
 */
export function stringSharer(): <T>(value: T) => T {
  const seen = new Map<string, string>();
  const sharedString = (text: string): string => {
    if (text.length < minLength || text.length > maxLength) return text;
    const known = seen.get(text);
    if (known !== undefined) return known;
    if (seen.size >= maxStrings) seen.clear();
    seen.set(text, text);
    return text;
  };
  const share = (value: unknown): unknown => {
    if (typeof value === 'string') return sharedString(value);
    if (typeof value !== 'object' || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const name of Object.keys(fields)) fields[name] = share(fields[name]);
    return value;
  };
  return (value) => share(value) as typeof value;
}
