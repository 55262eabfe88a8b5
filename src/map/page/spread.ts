// Moves markers apart that would cover each other, as those of Europe on a map of the world, or of two regions in one city. Pure.
import type { Box } from './labels.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Circle extends Point {
  readonly radius: number;
}

/** Crowds need many; most maps need two or three. */
const maxRounds = 60;
/** Smaller overlaps are not seen. */
const tolerance = 0.25;
/** A marker that is further off its place is taken for one of another region; where there is no room, markers overlap. */
const maxShift = 40;

/**
 * Places near those that were asked for, in the same order, and the same for the same circles. A small circle gives way to a large one.
 * @param area No circle leaves it that was in it.
 */
export function spread(circles: readonly Circle[], area: Box): Point[] {
  const points = circles.map(({ x, y }) => ({ x, y }));
  for (let round = 0; round < maxRounds; round++) {
    let isApart = true;
    for (const [index, one] of circles.entries()) {
      for (let next = index + 1; next < circles.length; next++) {
        const other = circles[next];
        const [from, to] = [points[index], points[next]];
        if (other && from && to && pushApart(one, other, from, to, next)) isApart = false;
      }
    }
    if (isApart) break;
    for (const [index, circle] of circles.entries()) {
      const point = points[index];
      if (point) holdBack(point, circle, area);
    }
  }
  return points;
}

/** Spreads as `spread` does, and only again when something has moved: an update seldom moves anything. */
export function rememberingSpread(): typeof spread {
  let last: { readonly asked: string; readonly points: Point[] } | undefined;
  return (circles, area) => {
    const asked = JSON.stringify([area, circles.map(({ x, y, radius }) => [x, y, radius])]);
    if (last?.asked !== asked) last = { asked, points: spread(circles, area) };
    return last.points;
  };
}

function holdBack(point: MovingPoint, { x, y, radius }: Circle, area: Box): void {
  const shift = Math.hypot(point.x - x, point.y - y);
  if (shift > maxShift) {
    point.x = x + ((point.x - x) * maxShift) / shift;
    point.y = y + ((point.y - y) * maxShift) / shift;
  }
  const [right, bottom] = [area.x + area.width, area.y + area.height];
  if (x >= area.x && x <= right) point.x = Math.min(Math.max(point.x, area.x + radius), right - radius);
  if (y >= area.y && y <= bottom) point.y = Math.min(Math.max(point.y, area.y + radius), bottom - radius);
}

interface MovingPoint {
  x: number;
  y: number;
}

/** Whether the two were too close. @param turn Chooses the direction for two at the same place. */
function pushApart(one: Circle, other: Circle, from: MovingPoint, to: MovingPoint, turn: number): boolean {
  const wanted = one.radius + other.radius;
  let [dx, dy] = [to.x - from.x, to.y - from.y];
  if (Math.abs(dx) >= wanted || Math.abs(dy) >= wanted) return false;
  const distance = Math.hypot(dx, dy);
  const overlap = wanted - distance;
  if (overlap < tolerance) return false;
  [dx, dy] = distance < 0.01 ? [Math.cos(turn), Math.sin(turn)] : [dx / distance, dy / distance];
  const [weight, otherWeight] = [one.radius ** 2, other.radius ** 2];
  const share = otherWeight / (weight + otherWeight);
  from.x -= dx * overlap * share;
  from.y -= dy * overlap * share;
  to.x += dx * overlap * (1 - share);
  to.y += dy * overlap * (1 - share);
  return true;
}
