// Suggests known names for an unknown, probably misspelt one.

const maxSuggestions = 3;
/** Shorter beginnings fit too many names. */
const minPrefixLength = 4;
const digits = ['zero', 'one', 'two', 'three', 'four', 'five'];

/**
 * The known names that begin with `word` ("japan"), else the closest ones, if any is close: one edit for every four letters, or
 * the same letters in another order ("eastjapan"). A number at the end may be spelt out ("eastustwo"). Of equally close names
 * those with the longest common prefix: "japaneest" is japaneast, not japanwest.
 */
export function closestMatches(word: string, known: Iterable<string>): string[] {
  const names = [...known];
  const begun = word.length >= minPrefixLength ? names.filter((name) => name.startsWith(word)).sort() : [];
  return (begun.length > 0 ? begun : nearest(withDigit(word), names)).slice(0, maxSuggestions);
}

/** "eastustwo" as "eastus2". */
function withDigit(word: string): string {
  const digit = digits.findIndex((spelt) => word.endsWith(spelt));
  return digit < 0 ? word : `${word.slice(0, -(digits[digit]?.length ?? 0))}${digit}`;
}

function nearest(word: string, names: readonly string[]): string[] {
  const tolerated = Math.max(1, Math.floor(word.length / 4));
  const near = names
    .map((name) => ({
      name,
      edits: sorted(name) === sorted(word) ? 1 : editsBetween(word, name),
      alike: alike(word, name),
    }))
    .filter(({ edits }) => edits <= tolerated)
    .sort((one, other) => one.edits - other.edits || other.alike - one.alike || (one.name < other.name ? -1 : 1));
  return near.filter(({ edits, alike }) => edits === near[0]?.edits && alike === near[0].alike).map(({ name }) => name);
}

/** `did you mean japaneast or japanwest?`; undefined if no name is close. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const names = closestMatches(word, known);
  return names.length > 0 ? `did you mean ${names.join(' or ')}?` : undefined;
}

/** The length of the common prefix. */
function alike(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  return Array.from({ length }, (_, n) => n).find((n) => one[n] !== other[n]) ?? length;
}

function sorted(word: string): string {
  return [...word].sort().join('');
}

/** Levenshtein's distance, one row of the matrix at a time. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...one].entries()) {
    const next = [line + 1];
    for (let column = 0; column < other.length; column++) {
      const replaced = (row[column] ?? 0) + (letter === other[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
