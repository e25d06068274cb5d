import type { IHitResult, IScene } from './scene';

export interface IPlace {
  x: number;
  y: number;
}

/** Pixels between two places that are searched. */
const STEP_PX = 8;

/** How much farther what lies aside is than what lies ahead. */
const ASIDE = 2;

/** Which way an arrow key leads; null for any other key. */
export function directionOf(key: string): IPlace | null {
  return DIRECTIONS[key] ?? null;
}

const DIRECTIONS: Record<string, IPlace> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 }
};

/**
 * What is next in a direction: to the left and right of the same curve where it
 * goes on, up and down of another one, else what is nearest straight ahead.
 * Null where nothing else is to be found that way.
 */
export function nextHit(
  scene: IScene,
  from: IPlace,
  direction: IPlace,
  width: number,
  height: number
): IHitResult | null {
  const isAcross = direction.x !== 0;
  const [ahead, aside] = isAcross ? [width, height] : [height, width];
  const [start, side] = isAcross ? [from.x, from.y] : [from.y, from.x];
  const sign = direction.x + direction.y;
  const here = scene.pick?.(from.x, from.y) ?? null;
  let best: IHitResult | null = null;
  let least = Infinity;
  for (let way = STEP_PX; way <= ahead && way < least; way += STEP_PX) {
    const at = start + sign * way;
    if (at < 0 || at > ahead) {
      break;
    }
    for (const beside of sides(side, aside)) {
      const pick =
        scene.pick?.(isAcross ? at : beside, isAcross ? beside : at) ?? null;
      const isSame = pick !== null && pick.id === here?.id;
      if (!pick || (isSame && !isAcross)) {
        continue;
      }
      // A hit is at its point, which may be behind the pointer.
      const on = sign * ((isAcross ? pick.x : pick.y) - start);
      const off = Math.abs((isAcross ? pick.y : pick.x) - side);
      const cost = isSame ? on : on + ASIDE * off;
      if (on > 0.5 && cost < least) {
        [best, least] = [pick, cost];
      }
    }
  }
  return best;
}

/** Places from the middle to both edges. */
function* sides(middle: number, end: number): Generator<number> {
  yield middle;
  for (let off = STEP_PX; off < end; off += STEP_PX) {
    if (middle - off >= 0) {
      yield middle - off;
    }
    if (middle + off <= end) {
      yield middle + off;
    }
  }
}
