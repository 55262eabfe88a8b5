// Merges tags. Others may set tags too: an object owns only keys that its spec names or named. Azure ignores key case.

type Tags = Readonly<Record<string, string>>;

/**
 * The complete tags to write: all keys in `asked` with their values, no other key in `owned`, all remaining keys unchanged.
 * Undefined if `present` already matches.
 */
export function tagsToSet(present: Tags, asked: Tags, owned: readonly string[]): Tags | undefined {
  const wanted = new Map(Object.entries(asked).map(([key, value]) => [key.toLowerCase(), { key, value }]));
  const leaving = new Set(owned.map((key) => key.toLowerCase()));
  const kept = Object.entries(present).filter(
    ([key]) => !wanted.has(key.toLowerCase()) && !leaving.has(key.toLowerCase()),
  );
  const found = new Map(Object.entries(present).map(([key, value]) => [key.toLowerCase(), { key, value }]));
  const same =
    Object.keys(present).length === kept.length + wanted.size &&
    [...wanted].every(([key, { value }]) => found.get(key)?.value === value);
  if (same) return undefined;
  const set = [...wanted].map(([key, { key: spelling, value }]) => [found.get(key)?.key ?? spelling, value]);
  return Object.fromEntries([...kept, ...set]);
}

/** The keys to own from now on: those in `asked`, and previously owned ones that are not removed yet. */
export function keysOwned(present: Tags, asked: Tags, owned: readonly string[]): string[] {
  const still = new Set(Object.keys(present).map((key) => key.toLowerCase()));
  const keys = new Map(owned.filter((key) => still.has(key.toLowerCase())).map((key) => [key.toLowerCase(), key]));
  for (const key of Object.keys(asked)) keys.set(key.toLowerCase(), key);
  return [...keys.values()].sort();
}
