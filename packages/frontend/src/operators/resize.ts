import type { ValueId } from "@accelc/ir";
import { choice, flag, float, maybeFloats, maybeInts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { alongAxis, binary, bools, gatherAt, reshape, where } from "./build.js";
import {
  type AxisResize,
  beyond,
  type Coordinates,
  type Interpolation,
  interpolationTaps,
  type Nearest,
  nearestIndex,
  sourceOf,
} from "./resize-taps.js";
import { type OperatorRow, row } from "./row.js";

type Mode = "nearest" | "linear" | "cubic";

interface Plan {
  readonly mode: Mode;
  readonly coordinates: Coordinates;
  readonly nearest: Nearest;
  readonly cubic: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
  /** Per axis of the input. */
  readonly scales: readonly number[];
  readonly sizes: readonly number[];
  readonly region: readonly (readonly [number, number])[];
}

/** Whole repetition of every element: an axis of `times` broadcast copies. */
function repeated(n: NodeContext, x: ValueId, axis: number, times: number): ValueId {
  const shape = n.shape(x);
  const split = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const wide = split.map((d, i) => (i === axis + 1 ? times : d));
  const copies = n.add("expand", [reshape(n, x, split)], { shape: wide });
  return reshape(
    n,
    copies,
    shape.map((d, i) => (i === axis ? d * times : d)),
  );
}

function nearestAxis(n: NodeContext, x: ValueId, axis: number, a: AxisResize, mode: Nearest): ValueId {
  const at = Array.from({ length: a.resized }, (_, i) => nearestIndex(sourceOf(a, i), mode, a.size));
  const times = a.resized / a.size;
  if (Number.isInteger(times) && at.every((v, i) => v === Math.floor(i / times))) return repeated(n, x, axis, times);
  return gatherAt(n, x, axis, at);
}

/** Σ over taps of constant weights times gathered elements. */
function interpolatedAxis(n: NodeContext, x: ValueId, axis: number, a: AxisResize, p: Interpolation): ValueId {
  const { indices, weights } = interpolationTaps(a, p);
  const rank = n.shape(x).length;
  const terms = indices.map((at, k) => {
    const elements = gatherAt(n, x, axis, at);
    const w = weights[k]!;
    if (w.every((v) => v === 1)) return elements;
    return binary(n, "mul", elements, n.list(w, alongAxis(w.length, axis, rank)));
  });
  return terms.reduce((sum, t) => binary(n, "add", sum, t));
}

/** One axis after the other: every mode is separable. */
function resize(n: NodeContext, x: ValueId, p: Plan): void {
  const rank = n.shape(x).length;
  let y = x;
  for (let axis = 0; axis < rank; axis++) {
    const size = n.shape(x)[axis]!;
    const { coordinates } = p;
    const a: AxisResize = {
      size,
      resized: p.sizes[axis]!,
      scale: p.scales[axis]!,
      coordinates,
      region: p.region[axis]!,
    };
    const crops = coordinates === "tf_crop_and_resize" && (a.region[0] !== 0 || a.region[1] !== 1);
    if (a.resized === size && a.scale === 1 && !crops) continue;
    y =
      p.mode === "nearest"
        ? nearestAxis(n, y, axis, a, p.nearest)
        : interpolatedAxis(n, y, axis, a, { ...p, kind: p.mode, a: p.cubic });
    if (coordinates === "tf_crop_and_resize" && beyond(a).includes(true))
      y = where(n, bools(n, beyond(a), alongAxis(a.resized, axis, rank)), n.scalar(p.extrapolation, n.dtype(x)), y);
  }
  n.finish(y);
}

function checked(n: NodeContext, x: ValueId, p: Plan): void {
  const shape = n.shape(x);
  if (p.mode !== "nearest" && n.dtype(x) !== "float32")
    n.badInput(0, n.dtype(x), `mode ${p.mode} computes on float tensors`);
  if (p.sizes.some((s) => !Number.isSafeInteger(s) || s < 1) || p.scales.some((s) => !(s > 0)))
    n.disagree(`[${shape.join(",")}] scaled by [${p.scales.join(",")}] becomes [${p.sizes.join(",")}]`);
  resize(n, x, p);
}

const DEFAULTS = { nearest: "round_prefer_floor", cubic: -0.75, antialias: false, excludeOutside: false } as const;

/** By scales, the output's extent rounded down. */
function byScales(shape: readonly number[], scales: readonly number[]): Pick<Plan, "scales" | "sizes"> {
  return { scales, sizes: shape.map((d, i) => Math.floor(d * scales[i]!)) };
}

function upsample(n: NodeContext, mode: Mode, scales: readonly number[]): void {
  const x = n.input(0);
  const shape = n.shape(x);
  if (scales.length !== shape.length) n.disagree(`${scales.length} scales for rank ${shape.length}`);
  const whole = shape.map(() => [0, 1] as const);
  checked(n, x, {
    ...DEFAULTS,
    ...byScales(shape, scales),
    mode,
    coordinates: "asymmetric",
    nearest: "floor",
    extrapolation: 0,
    region: whole,
  });
}

function floatsInput(n: NodeContext, i: number): number[] {
  return Array.from(n.constantInput(i).data as ArrayLike<number | bigint>, Number);
}

const RESIZE = {
  coordinate_transformation_mode: choice([
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
  ]),
  cubic_coeff_a: float(-0.75),
  exclude_outside: flag(false),
  extrapolation_value: float(0),
  mode: choice(["nearest", "linear", "cubic"]),
  nearest_mode: choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
};
const RESIZE_18 = {
  ...RESIZE,
  antialias: flag(false),
  axes: maybeInts,
  keep_aspect_ratio_policy: choice(["stretch", "not_larger", "not_smaller"]),
};
type ResizeValues = Values<typeof RESIZE> & Partial<Values<typeof RESIZE_18>>;

/** `sizes` under a policy of keeping the ratio: the scale that is least or greatest holds for all axes. */
function bySizes(
  shape: readonly number[],
  axes: readonly number[],
  sizes: readonly number[],
  policy: string,
): { scales: number[]; sizes: number[] } {
  const own = axes.map((axis, i) => sizes[i]! / shape[axis]!);
  const common = policy === "not_larger" ? Math.min(...own) : policy === "not_smaller" ? Math.max(...own) : undefined;
  const out = { scales: shape.map(() => 1), sizes: [...shape] };
  axes.forEach((axis, i) => {
    out.scales[axis] = common ?? own[i]!;
    out.sizes[axis] = common === undefined ? sizes[i]! : Math.floor(common * shape[axis]! + 0.5);
  });
  return out;
}

const given = (n: NodeContext, i: number): boolean => n.has(i) && n.shape(n.input(i)).some((d) => d > 0);

function resizeNode(n: NodeContext, a: ResizeValues): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axes = (a.axes ?? shape.map((_, i) => i)).map((v) => axisOf(n, v, shape.length, "axes"));
  if (given(n, 2) === given(n, 3)) n.disagree("exactly one of scales and sizes must be given");
  const list = given(n, 2) ? floatsInput(n, 2) : n.shapeInput(3);
  if (list.length !== axes.length) n.disagree(`${list.length} scales or sizes for ${axes.length} axes`);
  const scales = shape.map(() => 1);
  if (given(n, 2))
    axes.forEach((axis, i) => {
      scales[axis] = list[i]!;
    });
  const extent = given(n, 2)
    ? byScales(shape, scales)
    : bySizes(shape, axes, list, a.keep_aspect_ratio_policy ?? "stretch");
  const region: [number, number][] = shape.map(() => [0, 1]);
  if (a.coordinate_transformation_mode === "tf_crop_and_resize") {
    const roi = floatsInput(n, 1);
    if (roi.length !== 2 * axes.length) n.disagree(`${roi.length} values of roi for ${axes.length} axes`);
    axes.forEach((axis, i) => {
      region[axis] = [roi[i]!, roi[axes.length + i]!];
    });
  }
  checked(n, x, {
    ...extent,
    mode: a.mode,
    coordinates: a.coordinate_transformation_mode,
    nearest: a.nearest_mode,
    cubic: a.cubic_coeff_a,
    antialias: a.antialias ?? false,
    excludeOutside: a.exclude_outside,
    extrapolation: a.extrapolation_value,
    region,
  });
}

const MODE = { mode: choice(["nearest", "linear"]) };
const CONSTANTS = "scales and sizes constant";

export const RESIZE_ROWS: readonly OperatorRow[] = [
  row({
    op: "Upsample",
    since: 7,
    until: 8,
    unit: "tandem",
    inputs: 1,
    attributes: { ...MODE, scales: maybeFloats },
    parse(n, a) {
      upsample(n, a.mode, a.scales ?? n.badAttribute("scales", "missing", "it is required"));
    },
  }),
  row({
    op: "Upsample",
    since: 9,
    unit: "tandem",
    constraints: "scales constant",
    inputs: 2,
    attributes: MODE,
    parse: (n, a) => upsample(n, a.mode, floatsInput(n, 1)),
  }),
  row({
    op: "Resize",
    since: 10,
    until: 10,
    unit: "tandem",
    constraints: "scales constant",
    inputs: 2,
    attributes: MODE,
    parse: (n, a) => upsample(n, a.mode, floatsInput(n, 1)),
  }),
  row({
    op: "Resize",
    since: 11,
    until: 17,
    unit: "tandem",
    constraints: `${CONSTANTS}; roi constant`,
    inputs: [1, 4],
    attributes: RESIZE,
    parse: resizeNode,
  }),
  row({
    op: "Resize",
    since: 18,
    unit: "tandem",
    constraints: `${CONSTANTS}; roi constant`,
    inputs: [1, 4],
    attributes: RESIZE_18,
    parse: resizeNode,
  }),
];
