// Reads the key of an object in the queue and the cache, which `namespacedName` makes.

/** The namespace of a key; undefined for an object that has none. Neither names nor namespaces contain a slash. */
export function namespaceOf(key: string): string | undefined {
  const slash = key.indexOf('/');
  return slash < 0 ? undefined : key.slice(0, slash);
}
