import { roundHalfEven } from "@accelc/numerics";
import type { FakeQuantAttrs, Rounding } from "../ops.js";
import {
  broadcastShapes,
  type CodeGrid,
  type Data,
  elements,
  sameShape,
  type TensorType,
  type Value,
} from "../types.js";
import type { FoldableNode } from "./fold-node.js";
import { broadcastView, gatherView } from "./strided.js";

const halfOdd = (x: number): number => roundHalfEven(x - 1) + 1;

/** The integer that each rounding makes of a real number. */
export const ROUND: { readonly [R in Rounding]: (x: number) => number } = {
  even: roundHalfEven,
  odd: halfOdd,
  halfAway: (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5),
  halfZero: (x) => Math.sign(x) * Math.ceil(Math.abs(x) - 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
  zero: Math.trunc,
  away: (x) => Math.sign(x) * Math.ceil(Math.abs(x)),
  sign: (x) => (x >= 0 ? 1 : -1),
};

/** An entry of the grid for every element of a tensor of `shape`. */
export function spreadGrid(g: CodeGrid, shape: readonly number[]): { scale: Float64Array; zero: Float64Array } {
  const view = broadcastView(g.shape, shape);
  const all = (x: readonly number[]) => gatherView("float64", Float64Array.from(x), view) as Float64Array;
  return { scale: all(g.scale), zero: all(g.zero) };
}

/** The code of x on a grid point; quotient in binary32, as ONNX Runtime and QONNX compute it. */
export function codeAt(x: number, scale: number, zero: number, { codes, rounding }: FakeQuantAttrs): number {
  const q = ROUND[rounding](Math.fround(x / scale)) + zero;
  return Math.min(Math.max(q, codes[0]), codes[1]);
}

/** Product and quotient in binary32. */
export function fakeQuant(x: Value, a: FakeQuantAttrs): Float32Array {
  const data = x.data as Float32Array;
  if (a.scale.length === 1) {
    const [s, z] = [a.scale[0]!, a.zero[0]!];
    return data.map((v) => s * (codeAt(v, s, z, a) - z));
  }
  const { scale, zero } = spreadGrid(a, x.type.shape);
  return data.map((v, i) => scale[i]! * (codeAt(v, scale[i]!, zero[i]!, a) - zero[i]!));
}

/** Entries for every element of `shape`, brought to the fewest: extent 1 along each axis on which they do not vary. */
export function compactGrid(
  scale: ArrayLike<number>,
  zero: ArrayLike<number>,
  shape: readonly number[],
  codes: CodeGrid["codes"],
): CodeGrid {
  let now = { shape: [...shape], scale: Array.from(scale), zero: Array.from(zero) };
  for (let axis = 0; axis < shape.length; axis++) {
    const inner = elements(now.shape.slice(axis + 1));
    const extent = now.shape[axis]!;
    const first = (i: number) => Math.floor(i / (inner * extent)) * inner * extent + (i % inner);
    const { scale: s, zero: z } = now;
    if (!s.every((v, i) => v === s[first(i)] && z[i] === z[first(i)])) continue;
    const kept = (list: number[]) => list.filter((_, i) => Math.floor(i / inner) % extent === 0);
    now = { shape: now.shape.map((n, i) => (i === axis ? 1 : n)), scale: kept(s), zero: kept(z) };
  }
  return now.scale.length === 1 ? { shape: [], scale: now.scale, zero: now.zero, codes } : { ...now, codes };
}

const alike = (a: CodeGrid, b: CodeGrid): boolean =>
  a.scale.length === 1 &&
  b.scale.length === 1 &&
  a.scale[0] === b.scale[0] &&
  a.zero[0] === b.zero[0] &&
  sameShape(a.codes, b.codes);

type Move = (inputs: readonly Value[], type: TensorType) => Data | undefined;

/** Entries moved as the elements are. */
function moved(g: CodeGrid, inputs: readonly Value[], type: TensorType, move: Move): CodeGrid | undefined {
  if (g.scale.length === 1) return g;
  const [x, ...rest] = inputs as readonly [Value, ...Value[]];
  const entries = spreadGrid(g, x.type.shape);
  const wide = { dtype: "float64", shape: type.shape } as const;
  const go = (data: Float64Array) => move([{ id: x.id, type: { ...x.type, dtype: "float64" }, data }, ...rest], wide);
  const [scale, zero] = [go(entries.scale), go(entries.zero)] as readonly (Float64Array | undefined)[];
  return scale && zero && compactGrid(scale, zero, type.shape, g.codes);
}

/** The grid under a product or quotient with numbers that leave the shape alone. */
function scaled(g: CodeGrid, x: Value, by: Value, f: (s: number, k: number) => number): CodeGrid | undefined {
  const shape = broadcastShapes(g.shape, by.type.shape);
  const whole = broadcastShapes(x.type.shape, by.type.shape);
  if (!shape || !whole || !sameShape(whole, x.type.shape) || by.type.dtype !== "float32") return undefined;
  const { scale, zero } = spreadGrid(g, shape);
  const factor = gatherView("float64", Float64Array.from(by.data as Float32Array), broadcastView(by.type.shape, shape));
  const all = scale.map((s, i) => f(s, Number(factor[i]!)));
  return all.every((s) => Number.isFinite(s) && s !== 0) ? compactGrid(all, zero, shape, g.codes) : undefined;
}

const holds = (g: CodeGrid, x: number): boolean => {
  const q = Math.round(x / g.scale[0]!) + g.zero[0]!;
  return (
    g.scale.length === 1 && Math.fround(g.scale[0]! * (q - g.zero[0]!)) === x && q >= g.codes[0] && q <= g.codes[1]
  );
};

/** The grid of an operation's result on constants: what moves or scales elements takes it along, anything else loses it. */
export function gridAfter(
  n: FoldableNode,
  inputs: readonly Value[],
  type: TensorType,
  move: Move,
): CodeGrid | undefined {
  if (n.op === "fakeQuant") {
    const { rounding: _, ...grid } = n.attrs;
    return grid;
  }
  const [x, y] = inputs as readonly [Value, Value | undefined];
  const g = x.grid;
  switch (n.op) {
    case "identity":
    case "reshape":
    case "transpose":
    case "slice":
    case "expand":
    case "gather":
      return g && moved(g, inputs, type, move);
    case "pad":
      return g && holds(g, n.attrs.value) ? g : undefined;
    case "concat":
      return g && inputs.every((v) => v.grid && alike(v.grid, g)) ? g : undefined;
    case "mul":
      if (y?.grid && !g) return scaled(y.grid, y, x, (s, k) => s * k);
      return g && !y?.grid ? scaled(g, x, y!, (s, k) => s * k) : undefined;
    case "div":
      return g && !y?.grid ? scaled(g, x, y!, (s, k) => s / k) : undefined;
    default:
      return undefined;
  }
}
