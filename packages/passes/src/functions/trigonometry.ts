import { type Emit, type Lane, polynomial } from "./emit.js";
import { type Fixed, fixedOf, laneOf, magnitudeOf } from "./fixed.js";

/** sin(π/2 z) / z in z² on [−1, 1]: degree 4 (9 in z), error 3.6e-8. */
const SIN = [1.57079632678, -0.645964089816, 0.0796920756833, -0.00467816605403, 0.000153889337307];

/** Fraction of a turn in Q31 on [−½, ½), a left shift that drops whole turns, then folded to [−¼, ¼]. */
function sineOfTurns(e: Emit, x: Fixed, offset: number): Fixed {
  const turns = magnitudeOf(x) / (2 * Math.PI) + 1;
  const f = Math.min(30, 30 - Math.ceil(Math.log2(turns)));
  const u = e.scale(laneOf(x), (x.unit / (2 * Math.PI)) * 2 ** f);
  const moved = e.add(u, Math.round(offset * 2 ** f));
  const z: Lane = e.op("ishl", [moved, 32 - f], {}, -(2 ** 31), 2 ** 31 - 1);
  const half = 2 ** 30;
  const z31 = e.shr(z, 1);
  const upper = e.min(z31, e.sub(half, z31, [0, 2 ** 31 - 1]));
  const t = e.refine(e.max(upper, e.sub(-half, z31, [-(2 ** 31), 0])), -(2 ** 29), 2 ** 29);
  const square = e.mul(t, t, 29);
  const p = polynomial(e, SIN, square, 29, 30, [2 ** 29, 1.6 * 2 ** 30]);
  return fixedOf(e.mul(p, t, 29, [-(2 ** 30) - 64, 2 ** 30 + 64]), 2 ** -30);
}

/** sin x for |x| below 2^20; the angle's own resolution limits the rest. */
export const sin = (e: Emit, x: Fixed): Fixed => sineOfTurns(e, x, 0);

/** cos x = sin(x + a quarter turn). */
export const cos = (e: Emit, x: Fixed): Fixed => sineOfTurns(e, x, 0.25);
