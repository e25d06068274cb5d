import type { IHitResult, IScene } from './scene';

export interface IPlace {
  x: number;
  y: number;
}

/** Pixels between two points that are tried. */
const STEP = 8;

/** The weight of a distance aside against one straight ahead. */
const ASIDE = 2;

/** The direction of an arrow key; null for any other key. */
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
 * The next hit in a direction: left and right on the same curve where it
 * continues, up and down on another one, else the nearest one ahead.
 */
export function nextPick(
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
  for (let way = STEP; way <= ahead && way < least; way += STEP) {
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
      // A hit is at its own point, which may be behind the pointer.
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
  for (let off = STEP; off < end; off += STEP) {
    if (middle - off >= 0) {
      yield middle - off;
    }
    if (middle + off <= end) {
      yield middle + off;
    }
  }
}
