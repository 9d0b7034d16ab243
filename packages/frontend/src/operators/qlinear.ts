import type { CodeGrid, ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import { elementTypeNamed } from "../element-types.js";
import { binary, cast } from "./build.js";
import { CONV_ATTRIBUTES, convolve, kernelAndExtent } from "./conv.js";
import { codesOf, codesOfReal, dequantize, gridOf, numbersOf, quantize, scaleNumbers } from "./quantizer.js";
import { type OperatorRow, row } from "./row.js";
import { readWindow } from "./window.js";

const INT32 = elementTypeNamed("int32");
const WIDE = codesOf(INT32);

/** Operand `i` as floats; its scale is input i + 1, its zero point input i + 2, along `axis` where they are lists. */
function operand(n: NodeContext, i: number, axis: number): ValueId {
  const q = n.input(i);
  return dequantize(
    n,
    q,
    gridOf(n, n.shape(q), codesOf(n.elementType(i)), { scale: i + 1, zero: i + 2, axis, block: 0 }),
  );
}

/** Output 0 on the grid that inputs `scale` and `scale + 1` state. */
function result(n: NodeContext, y: ValueId, scale: number, axis: number): void {
  const type = n.elementType(scale + 1);
  quantize(n, y, gridOf(n, n.shape(y), codesOf(type), { scale, zero: scale + 1, axis, block: 0 }), type);
}

/** int32 codes of scale x * w as a bias. */
function scaledBias(n: NodeContext, i: number, x: number, w: number): ValueId {
  const b = n.constantInput(i);
  const [sx, sw] = [scaleNumbers(n, x), scaleNumbers(n, w)];
  const count = b.data.length;
  if (sw.length !== 1 && sw.length !== count)
    n.badInput(i, `of shape [${b.type.shape.join(",")}]`, `there are ${sw.length} scales`);
  const scale = sw.map((s) => s * sx[0]!);
  return dequantize(n, b.id, {
    shape: scale.length === 1 ? [] : [count],
    scale,
    zero: scale.map(() => 0),
    codes: WIDE,
  });
}

interface Codes {
  readonly value: ValueId;
  readonly scale: number;
}

/** Codes less their zero point, which need not be a constant: as floats, in units of `scale`. */
function centered(n: NodeContext, i: number, zero: number, lists: (count: number) => readonly number[]): Codes {
  const q = n.input(i);
  const z = n.has(zero) ? n.value(n.input(zero)) : undefined;
  if (z && !z.data) return { value: binary(n, "sub", cast(n, q, "float32"), cast(n, z.id, "float32")), scale: 1 };
  const zeros = z ? numbersOf(z.data!) : [0];
  const known = n.real(q);
  if (known && known.grid.scale.length === 1 && zeros.length === 1 && known.grid.zero[0] === zeros[0])
    return { value: known.value, scale: known.grid.scale[0]! };
  const shape = zeros.length === 1 ? [] : lists(zeros.length);
  const grid: CodeGrid = { shape, scale: zeros.map(() => 1), zero: zeros, codes: codesOf(n.elementType(i)) };
  return { value: dequantize(n, q, grid), scale: 1 };
}

/** Output 0: exact int32 sums of products of codes. */
function sums(n: NodeContext, y: ValueId, scale: number): void {
  const grid: CodeGrid = { shape: [], scale: [scale], zero: [0], codes: WIDE };
  n.declareType(INT32);
  n.finish(scale === 1 ? cast(n, y, "int32") : codesOfReal(n, y, grid, INT32));
  n.means(n.output(0), { value: y, grid });
}

function product(n: NodeContext, a: ValueId, b: ValueId): ValueId {
  for (const [id, i] of [
    [a, 0],
    [b, n.has(3) && n.inputCount > 4 ? 3 : 1],
  ] as const)
    if (n.shape(id).length < 2) n.badInput(i, `of shape [${n.shape(id).join(",")}]`, "it must have rank 2 or more");
  return n.add("matmul", [a, b], {});
}

function matMulInteger(n: NodeContext): void {
  const a = centered(n, 0, 2, (count) => [count, 1]);
  const b = centered(n, 1, 3, (count) => [1, count]);
  sums(n, product(n, a.value, b.value), a.scale * b.scale);
}

function qLinearMatMul(n: NodeContext): void {
  const [rows, columns] = [n.shape(n.input(0)).length - 2, n.shape(n.input(3)).length - 1];
  const y = product(n, operand(n, 0, rows), operand(n, 3, columns));
  result(n, y, 6, n.shape(y).length - 2);
}

export const QLINEAR: readonly OperatorRow[] = [
  row({
    op: "QLinearConv",
    since: 10,
    unit: "systolic",
    constraints: "scales, zero points and bias constant",
    inputs: [8, 9],
    attributes: CONV_ATTRIBUTES,
    parse(n, a) {
      const { extent, kernel } = kernelAndExtent(n, a, 3);
      const attrs = { ...readWindow(n, a, extent, kernel), groups: a.group, fill: 0 };
      const inputs = [operand(n, 0, 1), operand(n, 3, 0)];
      if (n.has(8)) inputs.push(scaledBias(n, 8, 1, 4));
      result(n, convolve(n, inputs, attrs), 6, 1);
    },
  }),
  row({
    op: "QLinearMatMul",
    since: 10,
    unit: "systolic",
    constraints: "scales and zero points constant",
    inputs: 8,
    attributes: {},
    parse: qLinearMatMul,
  }),
  row({
    op: "ConvInteger",
    since: 10,
    unit: "systolic",
    inputs: [2, 4],
    attributes: CONV_ATTRIBUTES,
    parse(n, a) {
      const { extent, kernel } = kernelAndExtent(n, a);
      const attrs = { ...readWindow(n, a, extent, kernel), groups: a.group, fill: 0 };
      const x = centered(n, 0, 2, () => []);
      const w = centered(n, 1, 3, (count) => [count, ...kernel.map(() => 1), 1]);
      sums(n, convolve(n, [x.value, w.value], attrs), x.scale * w.scale);
    },
  }),
  row({ op: "MatMulInteger", since: 10, unit: "systolic", inputs: [2, 4], attributes: {}, parse: matMulInteger }),
];
