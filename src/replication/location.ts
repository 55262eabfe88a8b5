// Normalizes Azure region names, which have several spellings, to the short form that this code compares and stores.

/** ARM's short form of a region's name: "Japan East" → "japaneast". */
export function normalise(location: string): string {
  return location.replace(/\s/g, '').toLowerCase();
}

/** Where a list has the location, in any spelling; -1 if it does not. */
export function indexOfLocation(list: readonly { readonly location: string }[], location: string): number {
  return list.findIndex((one) => normalise(one.location) === normalise(location));
}
