/**
 * Gates to a tolerance: functions x g(x) and g(x) with g(x) + g(−x) = 1, by q(v) = g(−v) for v >= 0. q is a polynomial on
 * [0, reach], squared a few times; beyond `reach` it stays what it is there. Each row is the minimax polynomial of its shape
 * for the error named, which counts everything up to infinity. What no row is good enough for takes the program of full precision.
 */
import { type Emit, type Lane, polynomial } from "./emit.js";
import { type Fixed, fixedOf, fraction, laneOf } from "./fixed.js";

interface Row {
  /** Greatest error of v q(v), or of q(v) for a plain gate. */
  readonly error: number;
  readonly reach: number;
  readonly squarings: number;
  readonly coefficients: readonly number[];
}

/** From cheap to good. */
const ROWS = {
  swish: [
    { error: 5.6e-3, reach: 8.25, squarings: 3, coefficients: [0.927030276, -0.080219621] },
    {
      error: 1.1e-3,
      reach: 8.5,
      squarings: 2,
      coefficients: [0.845281274, -0.116452139, -0.013235674, 0.00408922483, -0.000252200086],
    },
    {
      error: 5.2e-4,
      reach: 9.25,
      squarings: 3,
      coefficients: [0.91802436, -0.0593466842, -0.0126507331, 0.0025208806, -0.000136492629],
    },
    {
      error: 2.0e-4,
      reach: 13,
      squarings: 3,
      coefficients: [0.916937033, -0.0559442497, -0.0158312169, 0.00371920748, -0.000326699217, 1.04889976e-5],
    },
  ],
  gelu: [
    { error: 3.9e-3, reach: 3.4, squarings: 2, coefficients: [0.860910561, -0.232897755] },
    {
      error: 5.2e-4,
      reach: 4.1,
      squarings: 2,
      coefficients: [0.842888829, -0.172588892, -0.0516149726, 0.0121597666],
    },
    {
      error: 5.2e-5,
      reach: 4.9,
      squarings: 3,
      coefficients: [0.916721474, -0.0895102072, -0.0359598709, 0.0026279838, 0.00052100954],
    },
  ],
  geluTanh: [
    { error: 4.0e-3, reach: 3.4, squarings: 2, coefficients: [0.860910561, -0.232897755] },
    {
      error: 3.6e-4,
      reach: 4.1,
      squarings: 2,
      coefficients: [0.842349289, -0.17123935, -0.0520494268, 0.0120538615],
    },
    {
      error: 1.0e-4,
      reach: 4.8,
      squarings: 3,
      coefficients: [0.91648746, -0.0880740829, -0.0385957614, 0.00465228774],
    },
  ],
  sigmoid: [
    { error: 5.6e-3, reach: 6.25, squarings: 2, coefficients: [0.84322025, -0.12446053] },
    {
      error: 3.4e-4,
      reach: 7.5,
      squarings: 2,
      coefficients: [0.841035267, -0.105665614, -0.020932479, 0.00606303439, -0.000413015864],
    },
    {
      error: 1.4e-4,
      reach: 8.75,
      squarings: 3,
      coefficients: [0.916974375, -0.0566758285, -0.0145753501, 0.00301884428, -0.000177111557],
    },
  ],
} as const satisfies { readonly [name: string]: readonly Row[] };

/** Fraction bits of q. */
const Q = 26;
const UNITY = 2 ** Q;

interface Tail {
  /** min(|x|, reach) in the unit of x. */
  readonly v: Lane;
  /** q(v · by) in Q26. */
  readonly q: Lane;
}

/** The cheapest row whose error, times `size`, is within the tolerance, over x in a unit that its polynomial can take. */
function tail(e: Emit, rows: readonly Row[], x: Fixed, by: number, size: number, tolerance: number): Tail | undefined {
  const f = fraction(x.unit);
  const row = rows.find((r) => r.error * size <= tolerance);
  if (!row || f < 8 || f > 40 || (row.reach / by) * 2 ** f > 2 ** 30) return undefined;
  const v = e.min(e.abs(laneOf(x)), Math.round((row.reach / by) * 2 ** f));
  let q = polynomial(
    e,
    row.coefficients.map((c, i) => c * by ** i),
    v,
    f,
    Q,
    [0, UNITY],
  );
  for (let i = 0; i < row.squarings; i++) q = e.mul(q, q, Q, [0, UNITY]);
  return { v, q };
}

/** x g(by · x) within an absolute error of `tolerance`; undefined where no row is good enough. */
export function gate(
  e: Emit,
  kind: "swish" | "gelu" | "geluTanh",
  x: Fixed,
  by: number,
  tolerance: number,
): Fixed | undefined {
  const t = by === 0 ? undefined : tail(e, ROWS[kind], x, Math.abs(by), 1 / Math.abs(by), tolerance);
  if (!t) return undefined;
  const lane = laneOf(x);
  const part = e.mul(t.v, t.q, Q, [0, t.v.hi]);
  if (by < 0) return fixedOf(e.add(e.min(lane, 0), part, [Math.min(0, lane.lo), t.v.hi]), x.unit);
  return fixedOf(e.sub(e.max(lane, 0), part, [-t.v.hi, Math.max(0, lane.hi)]), x.unit);
}

/** sign(x) (½ − σ(−|by · x|)) in Q26: σ less ½, within `tolerance`; undefined where no row is good enough. */
function centered(e: Emit, x: Fixed, by: number, tolerance: number): Lane | undefined {
  const t = tail(e, ROWS.sigmoid, x, by, 1, tolerance);
  if (!t) return undefined;
  const half = e.sub(UNITY / 2, t.q, [-UNITY / 2, UNITY / 2]);
  return laneOf(x).lo >= 0 ? half : e.mul(half, e.sign(laneOf(x)));
}

/** 1 / (1 + e^−x) within `tolerance`. */
export function coarseSigmoid(e: Emit, x: Fixed, tolerance: number): Fixed | undefined {
  const s = centered(e, x, 1, tolerance);
  return s && fixedOf(e.add(s, UNITY / 2, [0, UNITY]), 1 / UNITY);
}

/** tanh x = 2 σ(2x) − 1 within `tolerance`. */
export function coarseTanh(e: Emit, x: Fixed, tolerance: number): Fixed | undefined {
  const s = centered(e, x, 2, tolerance / 2);
  return s && fixedOf(s, 2 / UNITY);
}
