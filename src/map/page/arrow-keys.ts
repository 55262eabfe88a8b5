// Which marker an arrow key leads to. Pure.
import type { Point } from './spread.ts';

const directions: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function isArrowKey(key: string): boolean {
  return Object.hasOwn(directions, key);
}

/** The nearest in the quarter of the map at which the key points; those straight ahead go first. Undefined if there is none. */
export function towards<P extends Point>(key: string, from: Point, others: readonly P[]): P | undefined {
  const [right = 0, down = 0] = directions[key] ?? [];
  let best: { readonly point: P; readonly cost: number } | undefined;
  for (const point of others) {
    const [dx, dy] = [point.x - from.x, point.y - from.y];
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    if (ahead <= 0 || aside > ahead) continue;
    const cost = ahead + 2 * aside;
    if (cost < (best?.cost ?? Number.POSITIVE_INFINITY)) best = { point, cost };
  }
  return best?.point;
}
