import { type CodeGrid, compactGrid, type Data, elements, isFloat, type Rounding, type ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import type { ElementType } from "../element-types.js";
import { sameGrid } from "../real.js";
import { alongAxis, binary, cast } from "./build.js";
import { roundToMinifloat } from "./minifloat.js";

/** Least and greatest code of an ONNX integer type. */
export function codesOf(t: ElementType): readonly [number, number] {
  const top = 2 ** t.bits;
  return t.name.startsWith("u") ? [0, top - 1] : [-top / 2, top / 2 - 1];
}

/** Which input holds the scale and which the zero point, and how they lie on the tensor. */
export interface ScaleInputs {
  readonly scale: number;
  readonly zero: number;
  /** Axis of a list of scales. */
  readonly axis: number;
  /** Elements per scale along the axis, the scales having the tensor's rank; 0: one scale per index. */
  readonly block: number;
}

const text = (shape: readonly number[]): string => `of shape [${shape.join(",")}]`;

/** The shape under which scales broadcast to a tensor, blocks aside. */
function scaleShape(n: NodeContext, x: readonly number[], at: ScaleInputs): readonly number[] {
  const { type, data } = n.constantInput(at.scale);
  const { shape } = type;
  if (at.block > 0) {
    const want = x.map((d, i) => (i === at.axis ? Math.ceil(d / at.block) : d));
    if (shape.join() === want.join()) return shape;
    return n.badInput(
      at.scale,
      text(shape),
      `in blocks of ${at.block} along axis ${at.axis} the tensor has [${want.join(",")}] scales`,
    );
  }
  if (data.length === 1) return [];
  if (shape.length !== 1) n.badInput(at.scale, text(shape), "it must be one number, or a list of them along one axis");
  if (shape[0] !== x[at.axis])
    n.badInput(
      at.scale,
      text(shape),
      `axis ${at.axis} of the tensor, whose shape is [${x.join(",")}], has extent ${x[at.axis]}`,
    );
  return alongAxis(shape[0]!, at.axis, x.length);
}

/** Positive scales as numbers; FE1003 for others. */
export function scaleNumbers(n: NodeContext, i: number): number[] {
  const { data, type } = n.constantInput(i);
  if (!isFloat(type.dtype)) n.badInput(i, type.dtype, "a scale must be a float");
  const scale = Array.from(data as ArrayLike<number>, Number);
  const bad = scale.findIndex((s) => !(s > 0 && Number.isFinite(s)));
  if (bad >= 0) n.badInput(i, `${scale[bad]} at element ${bad}`, "scales must be positive and finite");
  return scale;
}

function zeroNumbers(n: NodeContext, i: number, count: number): number[] {
  if (!n.has(i)) return new Array<number>(count).fill(0);
  const { data, type } = n.constantInput(i);
  if (data.length !== count && data.length !== 1) n.badInput(i, text(type.shape), `there are ${count} scales`);
  const zero = Array.from(data as ArrayLike<number | bigint>, Number);
  return zero.length === count ? zero : new Array<number>(count).fill(zero[0]!);
}

/** Entry k of blocks of `block` along the axis, for each element of `x`. */
function unblock(list: readonly number[], x: readonly number[], { axis, block }: ScaleInputs): Float64Array {
  const [extent, inner] = [x[axis]!, elements(x.slice(axis + 1))];
  const blocks = Math.ceil(extent / block);
  return Float64Array.from({ length: elements(x) }, (_, i) => {
    const [outer, k] = [Math.floor(i / (inner * extent)), Math.floor(i / inner) % extent];
    return list[(outer * blocks + Math.floor(k / block)) * inner + (i % inner)]!;
  });
}

/** The grid that constant scales and zero points lay on a tensor of shape `x`. */
export function gridOf(
  n: NodeContext,
  x: readonly number[],
  codes: readonly [number, number],
  at: ScaleInputs,
): CodeGrid {
  const shape = scaleShape(n, x, at);
  const scale = scaleNumbers(n, at.scale);
  const zero = zeroNumbers(n, at.zero, scale.length);
  if (at.block > 0) return compactGrid(unblock(scale, x, at), unblock(zero, x, at), x, codes);
  return { shape, scale, zero, codes };
}

const listed = (n: NodeContext, values: readonly number[], g: CodeGrid): ValueId => n.list(values, g.shape);
const isUnit = (g: CodeGrid): boolean => g.scale.every((s) => s === 1);
const isCentered = (g: CodeGrid): boolean => g.zero.every((z) => z === 0);

/** x on a grid. */
export const onGrid = (n: NodeContext, x: ValueId, g: CodeGrid, rounding: Rounding = "even"): ValueId =>
  n.add("fakeQuant", [x], { ...g, rounding });

/** The float value of integer codes under a grid: what they stand for where that is known, else scale * (q - zero). */
export function dequantize(n: NodeContext, q: ValueId, g: CodeGrid): ValueId {
  const known = n.real(q);
  if (known && sameGrid(known.grid, g)) return known.value;
  const float = cast(n, q, "float32");
  const centered = isCentered(g) ? float : binary(n, "sub", float, listed(n, g.zero, g));
  return onGrid(n, isUnit(g) ? centered : binary(n, "mul", centered, listed(n, g.scale, g)), g);
}

/** The codes of a value on a grid, as integers of a type. */
export function codesOfReal(n: NodeContext, real: ValueId, g: CodeGrid, type: ElementType): ValueId {
  const steps = isUnit(g) ? real : binary(n, "div", real, listed(n, g.scale, g));
  const unit = { ...g, scale: g.scale.map(() => 1) };
  const whole = onGrid(n, steps, unit);
  return cast(n, isCentered(g) ? whole : binary(n, "add", whole, listed(n, g.zero, g)), type.dtype!);
}

/** Output 0: the codes of x on a grid; what they stand for is remembered. */
export function quantize(n: NodeContext, x: ValueId, g: CodeGrid, type: ElementType): void {
  const value = onGrid(n, x, g);
  n.declareType(type);
  const codes = codesOfReal(n, value, g, type);
  n.finish(codes);
  n.means(n.output(0), { value, grid: g });
}

/** Number of the format's codes at x / scale, as floats. */
export const floatCodes = (n: NodeContext, x: ValueId, g: CodeGrid, type: ElementType, saturate: boolean): ValueId =>
  roundToMinifloat(n, isUnit(g) ? x : binary(n, "div", x, listed(n, g.scale, g)), type.float!, {
    saturate,
    round_mode: "nearest",
  });

/** Codes of a float format times the scale. */
export const scaleFloats = (n: NodeContext, q: ValueId, g: CodeGrid): ValueId =>
  isUnit(g) ? q : binary(n, "mul", q, listed(n, g.scale, g));

export const numbersOf = (data: Data): number[] => Array.from(data as ArrayLike<number | bigint>, Number);
