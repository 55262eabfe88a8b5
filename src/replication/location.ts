// Azure spells one region in several ways; everything here compares and stores the short form.

/** ARM's short form of a region's name: "Japan East" → "japaneast". */
export function normalise(location: string): string {
  return location.replace(/\s/g, '').toLowerCase();
}
