import { elements, type ValueId } from "@accelc/ir";
import { flag, float } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { binary, reduce, reshape } from "./build.js";
import { type OperatorRow, row } from "./row.js";

const GEMM = { alpha: float(1), beta: float(1), transA: flag(false), transB: flag(false) };

function matrix(n: NodeContext, i: number, transposed: boolean): ValueId {
  const id = n.input(i);
  if (n.shape(id).length !== 2) n.badInput(i, `of shape [${n.shape(id).join(",")}]`, "it must be a matrix");
  return transposed ? n.add("transpose", [id], { perm: [1, 0] }) : id;
}

/** alpha · (a · b): the factor goes into a constant operand where there is one. */
function scaledOperands(n: NodeContext, a: ValueId, b: ValueId, alpha: number): [ValueId, ValueId, boolean] {
  if (alpha === 1) return [a, b, true];
  if (n.isConstant(b)) return [a, n.add("mul", [b, n.scalar(alpha)], {}), true];
  if (n.isConstant(a)) return [n.add("mul", [a, n.scalar(alpha)], {}), b, true];
  return [a, b, false];
}

/** A constant C that holds one number per column can be the product's bias; as such, or undefined. */
function columnBias(n: NodeContext, c: ValueId, columns: number): ValueId | undefined {
  const shape = n.shape(c);
  if (!n.isConstant(c) || elements(shape) !== columns || (shape.at(-1) ?? 1) !== columns) return undefined;
  return shape.length === 1 ? c : n.add("reshape", [c], { shape: [columns] });
}

function gemm(n: NodeContext, at: { alpha: number; beta: number; transA: boolean; transB: boolean }): void {
  const [a, b] = [matrix(n, 0, at.transA), matrix(n, 1, at.transB)];
  const c = n.has(2) ? n.input(2) : undefined;
  n.sameTypes(c === undefined ? [a, b] : [a, b, c]);
  const [x, y, scaled] = scaledOperands(n, a, b, at.alpha);
  if (c === undefined || at.beta === 0) {
    if (scaled) n.result("matmul", [x, y], {});
    else n.result("mul", [n.add("matmul", [x, y], {}), n.scalar(at.alpha)], {});
    return;
  }
  const rows = n.shape(x)[0]!;
  const columns = n.shape(y)[1]!;
  const [cr, cc] = [1, 1, ...n.shape(c)].slice(-2) as [number, number];
  if (n.shape(c).length > 2 || (cr !== 1 && cr !== rows) || (cc !== 1 && cc !== columns))
    n.disagree(`C of shape [${n.shape(c).join(",")}] does not broadcast to [${rows},${columns}]`);
  const addend = at.beta === 1 ? c : n.add("mul", [c, n.scalar(at.beta)], {});
  const bias = scaled ? columnBias(n, addend, columns) : undefined;
  if (bias !== undefined) {
    n.result("matmul", [x, y, bias], {});
    return;
  }
  const product = n.add("matmul", [x, y], {});
  n.result("add", [scaled ? product : n.add("mul", [product, n.scalar(at.alpha)], {}), addend], {});
}

/** Wrapping sums of products, which the array does not have: [..,M,K,1] times [..,1,K,N], summed over K. */
function integerProduct(n: NodeContext, a: ValueId, b: ValueId): ValueId {
  const [sa, sb] = [n.shape(a), n.shape(b)];
  if (sa.at(-1) !== sb.at(-2)) n.disagree(`inner extents of [${sa.join(",")}] and [${sb.join(",")}] differ`);
  const left = reshape(n, a, [...sa, 1]);
  const right = reshape(n, b, [...sb.slice(0, -2), 1, ...sb.slice(-2)]);
  const terms = binary(n, "mul", left, right);
  const shape = n.shape(terms);
  const axis = shape.length - 2;
  return reshape(
    n,
    reduce(n, "sum", terms, [axis]),
    shape.filter((_, i) => i !== axis),
  );
}

/** Operands of rank 1 gain an axis that the result loses again, as in numpy.matmul. */
function matmul(n: NodeContext): void {
  const [a, b] = [n.input(0), n.input(1)];
  n.sameTypes([a, b]);
  const [sa, sb] = [n.shape(a), n.shape(b)];
  if (sa.length === 0 || sb.length === 0) n.badInput(sa.length === 0 ? 0 : 1, "a scalar", "it must have an axis");
  const x = sa.length === 1 ? n.add("reshape", [a], { shape: [1, sa[0]!] }) : a;
  const y = sb.length === 1 ? n.add("reshape", [b], { shape: [sb[0]!, 1] }) : b;
  const whole = n.dtype(a) !== "float32";
  if (sa.length > 1 && sb.length > 1 && !whole) {
    n.result("matmul", [x, y], {});
    return;
  }
  const product = whole ? integerProduct(n, x, y) : n.add("matmul", [x, y], {});
  const full = n.shape(product);
  const lead = full.slice(0, -2);
  const shape = [...lead, ...(sa.length > 1 ? [full.at(-2)!] : []), ...(sb.length > 1 ? [full.at(-1)!] : [])];
  n.result("reshape", [product], { shape });
}

export const MATMUL: readonly OperatorRow[] = [
  row({ op: "Gemm", since: 7, until: 10, unit: "systolic", inputs: 3, attributes: GEMM, parse: gemm }),
  row({ op: "Gemm", since: 11, unit: "systolic", inputs: [2, 3], attributes: GEMM, parse: gemm }),
  row({ op: "MatMul", since: 1, unit: "systolic", inputs: 2, attributes: {}, parse: matmul }),
];
