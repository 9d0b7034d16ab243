import { type Node, type NodeOf, sameShape, type UnaryName, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** Exporters round constants to 16 bits at worst. */
const near = (x: number | undefined, want: number): boolean =>
  x !== undefined && Math.abs(x - want) <= 1e-3 * Math.abs(want);

/** The number in a constant of one element. */
function scalar(r: Rewriter, id: ValueId): number | undefined {
  const data = r.data(id);
  return data?.length === 1 ? Number(data[0]) : undefined;
}

function unaryOf(r: Rewriter, id: ValueId, fn: UnaryName): NodeOf<"unary"> | undefined {
  const n = r.producer(id, "unary");
  return n?.attrs.fn === fn ? n : undefined;
}

/** A product as a number times values. */
interface Product {
  readonly scale: number;
  readonly factors: readonly ValueId[];
}

/** The product that ends in `id`, through products and quotients by numbers that nothing else reads. */
function productOf(r: Rewriter, id: ValueId, root = false): Product {
  const n = root || r.single(id) ? r.producerOf(id) : undefined;
  const known = scalar(r, id);
  if (known !== undefined) return { scale: known, factors: [] };
  if (n?.op === "mul") {
    const [a, b] = n.inputs.map((i) => productOf(r, i)) as [Product, Product];
    return { scale: a.scale * b.scale, factors: [...a.factors, ...b.factors] };
  }
  const divisor = n?.op === "div" ? scalar(r, n.inputs[1]!) : undefined;
  if (divisor !== undefined) {
    const a = productOf(r, n!.inputs[0]!);
    return { scale: a.scale / divisor, factors: a.factors };
  }
  if (n?.op === "unary" && n.attrs.fn === "square") return { scale: 1, factors: [n.inputs[0]!, n.inputs[0]!] };
  if (n?.op === "pow" && scalar(r, n.inputs[1]!) === 3)
    return { scale: 1, factors: [n.inputs[0]!, n.inputs[0]!, n.inputs[0]!] };
  return { scale: 1, factors: [id] };
}

/** The value that `id` adds to a number near `number`. */
function plus(r: Rewriter, id: ValueId, number: number): ValueId | undefined {
  const n = r.producer(id, "add");
  if (!n) return undefined;
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  if (near(scalar(r, b), number)) return a;
  return near(scalar(r, a), number) ? b : undefined;
}

/** True where `id` is scale · x. */
function scaled(r: Rewriter, id: ValueId, x: ValueId, scale: number): boolean {
  const p = productOf(r, id);
  return p.factors.length === 1 && p.factors[0] === x && near(p.scale, scale);
}

/** x + 0.044715 x³, or x (1 + 0.044715 x²), times √(2/π). */
function isTanhArgument(r: Rewriter, id: ValueId, x: ValueId): boolean {
  const p = productOf(r, id);
  if (!near(p.scale, Math.sqrt(2 / Math.PI))) return false;
  const power = (v: ValueId, exponent: number): boolean => {
    const q = productOf(r, v);
    return near(q.scale, 0.044715) && q.factors.length === exponent && q.factors.every((f) => f === x);
  };
  if (p.factors.length === 1) {
    const sum = r.producer(p.factors[0]!, "add")?.inputs as readonly [ValueId, ValueId] | undefined;
    return sum !== undefined && ((sum[0] === x && power(sum[1], 3)) || (sum[1] === x && power(sum[0], 3)));
  }
  const other = p.factors.length === 2 && p.factors.includes(x) ? p.factors.find((f) => f !== x) : undefined;
  const square = other === undefined ? undefined : plus(r, other, 1);
  return square !== undefined && power(square, 2);
}

/** What x · gate, times `scale`, is. */
function gated(r: Rewriter, x: ValueId, gate: ValueId, scale: number): [UnaryName, number] | undefined {
  const open = plus(r, gate, 1);
  if (near(scale, 0.5) && open !== undefined) {
    const erf = unaryOf(r, open, "erf");
    if (erf && scaled(r, erf.inputs[0]!, x, Math.SQRT1_2)) return ["gelu", 0];
    const tanh = unaryOf(r, open, "tanh");
    if (tanh && isTanhArgument(r, tanh.inputs[0]!, x)) return ["geluTanh", 0];
  }
  const clip = r.producer(gate, "clip");
  if (near(scale, 1 / 6) && clip?.attrs.min === 0 && clip.attrs.max === 6 && plus(r, clip.inputs[0]!, 3) === x)
    return ["hardSwish", 0];
  if (scale !== 1) return undefined;
  const sigmoid = unaryOf(r, gate, "sigmoid");
  if (sigmoid) {
    const p = productOf(r, sigmoid.inputs[0]!);
    return p.factors.length === 1 && p.factors[0] === x && p.scale > 0 ? ["swish", p.scale] : undefined;
  }
  const hard = unaryOf(r, gate, "hardSigmoid");
  if (hard?.inputs[0] === x && near(hard.attrs.a, 1 / 6) && hard.attrs.b === 0.5) return ["hardSwish", 0];
  const tanh = unaryOf(r, gate, "tanh");
  const soft = tanh && unaryOf(r, tanh.inputs[0]!, "softplus");
  return soft?.inputs[0] === x ? ["mish", 0] : undefined;
}

function replaceBy(r: Rewriter, n: Node, x: ValueId, fn: UnaryName, a = 0): ValueId | undefined {
  const fits = sameShape(r.shape(x), r.shape(n.outputs[0]!)) && r.type(x).dtype === "float32";
  return fits ? r.add("unary", [r.at(x)], { fn, a: Math.fround(a), b: 0 }, n.loc, r.as(n)) : undefined;
}

function fuseProduct(n: Node, r: Rewriter): ValueId | undefined {
  const { scale, factors } = productOf(r, n.outputs[0]!, true);
  if (factors.length !== 2) return undefined;
  const [p, q] = factors as readonly [ValueId, ValueId];
  if (p === q && scale === 1) return n.op === "mul" ? replaceBy(r, n, p, "square") : undefined;
  for (const [x, gate] of [
    [p, q],
    [q, p],
  ] as const) {
    const found = gated(r, x, gate, scale);
    if (found) return replaceBy(r, n, x, ...found);
  }
  return undefined;
}

/** log(e^x + 1). */
function fuseSoftplus(n: NodeOf<"unary">, r: Rewriter): ValueId | undefined {
  const power = n.attrs.fn === "log" ? plus(r, n.inputs[0]!, 1) : undefined;
  const exp = power === undefined ? undefined : unaryOf(r, power, "exp");
  return exp && replaceBy(r, n as Node, exp.inputs[0]!, "softplus");
}

/** log(Σ e^x). */
function fuseLogSumExp(n: NodeOf<"unary">, r: Rewriter): ValueId | undefined {
  const sum = n.attrs.fn === "log" ? r.producer(n.inputs[0]!, "reduce") : undefined;
  const exp = sum?.attrs.kind === "sum" ? unaryOf(r, sum.inputs[0]!, "exp") : undefined;
  if (!sum || !exp) return undefined;
  const { axes } = sum.attrs;
  return r.add("reduce", [r.at(exp.inputs[0]!)], { kind: "logSumExp", axes }, n.loc, r.as(n as Node));
}

/** e^(x − max) / Σ e^(x − max) along one axis. */
function fuseSoftmax(n: NodeOf<"div">, r: Rewriter): ValueId | undefined {
  const [top, bottom] = n.inputs as readonly [ValueId, ValueId];
  const sum = r.producer(bottom, "reduce");
  const shifted = unaryOf(r, top, "exp") && r.producer(unaryOf(r, top, "exp")!.inputs[0]!, "sub");
  const max = shifted && r.producer(shifted.inputs[1]!, "reduce");
  if (!max || sum?.attrs.kind !== "sum" || sum.inputs[0] !== top || max.attrs.kind !== "max") return undefined;
  const [axis, ...more] = sum.attrs.axes;
  const x = shifted.inputs[0]!;
  if (axis === undefined || more.length > 0 || max.attrs.axes.join() !== String(axis) || max.inputs[0] !== x)
    return undefined;
  return r.add("softmax", [r.at(x)], { axis, log: false }, n.loc, r.as(n as Node));
}

function fuse(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op === "mul") return fuseProduct(n, r);
  if (n.op === "div") return fuseSoftmax(n as NodeOf<"div">, r) ?? fuseProduct(n, r);
  return n.op === "unary"
    ? (fuseSoftplus(n as NodeOf<"unary">, r) ?? fuseLogSumExp(n as NodeOf<"unary">, r))
    : undefined;
}

/**
 * ```
 * %a = div(%x, 1.4142)
 * %b = unary(%a) {fn=erf}
 * %c = add(%b, 1)            →   %y = unary(%x) {fn=gelu}
 * %d = mul(%x, %c)
 * %y = mul(%d, 0.5)
 * ```
 */
export const fuseActivations: Pass = {
  name: "fuse-activations",
  doc: "Writes activations that exporters spell out (GELU, swish, hard swish, mish, softplus, softmax, log-sum-exp) as one operation, and x · x as a square.",
  level: "float",
  run: (g) => rewrite(g, fuse),
};
