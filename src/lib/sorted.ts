// Sorted arrays, changed by binary search. No two elements compare as equal.

type Compare<T> = (one: T, other: T) => number;

export function insertSorted<T>(list: T[], element: T, compare: Compare<T>): void {
  list.splice(positionOf(list, element, compare), 0, element);
}

/** Removes the element that compares as equal, if it is there. */
export function removeSorted<T>(list: T[], element: T, compare: Compare<T>): void {
  const position = positionOf(list, element, compare);
  const found = list[position];
  if (found !== undefined && compare(found, element) === 0) list.splice(position, 1);
}

/** The first position whose element is not less than this one. */
function positionOf<T>(list: readonly T[], element: T, compare: Compare<T>): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = list[middle];
    if (other !== undefined && compare(other, element) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The order of UTF-16 code units, which no locale changes. */
export function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
