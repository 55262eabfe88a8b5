// Places the names beside their markers so that none covers another; a name without room is left out, since the list has it. Pure.

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Labelled {
  readonly text: string;
  /** The marker's middle and half its size, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface Label {
  readonly text: string;
  readonly x: number;
  /** The base line. */
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

const height = 14;
const charWidth = 6.6;
const gap = 5;

/** @param wanted In the order of importance. */
export function placeLabels(wanted: readonly Labelled[], area: Box): Label[] {
  const taken: Box[] = wanted.map(boxOf);
  const labels: Label[] = [];
  for (const marker of wanted) {
    for (const { label, box } of candidates(marker)) {
      if (!isInside(box, area) || taken.some((other) => overlap(box, other))) continue;
      labels.push(label);
      taken.push(box);
      break;
    }
  }
  return labels;
}

function candidates({ text, x, y, radius }: Labelled): { label: Label; box: Box }[] {
  const width = text.length * charWidth;
  const away = radius + gap;
  const beside = { y: y - height / 2, width, height };
  return [
    { label: { text, x: x + away, y: y + 4, anchor: 'start' }, box: { ...beside, x: x + away } },
    { label: { text, x: x - away, y: y + 4, anchor: 'end' }, box: { ...beside, x: x - away - width } },
    {
      label: { text, x, y: y - away, anchor: 'middle' },
      box: { x: x - width / 2, y: y - away - height + 3, width, height },
    },
    {
      label: { text, x, y: y + away + 10, anchor: 'middle' },
      box: { x: x - width / 2, y: y + away, width, height },
    },
  ];
}

function boxOf({ x, y, radius }: Labelled): Box {
  return { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function isInside(box: Box, area: Box): boolean {
  return (
    box.x >= area.x &&
    box.y >= area.y &&
    box.x + box.width <= area.x + area.width &&
    box.y + box.height <= area.y + area.height
  );
}
