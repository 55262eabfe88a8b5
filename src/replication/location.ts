// Normalizes Azure region names, which have several spellings, to the short form that this code compares and stores.

/** ARM's short form of a region's name: "Japan East" → "japaneast". */
export function normalise(location: string): string {
  return location.replace(/\s/g, '').toLowerCase();
}
