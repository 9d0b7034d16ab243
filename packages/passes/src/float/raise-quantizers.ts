import { type FakeQuantAttrs, type Node, type NodeOf, type OpName, sameShape, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

const MOVES: ReadonlySet<OpName> = new Set<OpName>([
  "reshape",
  "transpose",
  "slice",
  "gather",
  "expand",
  "maxPool",
  "concat",
]);

const same = (a: FakeQuantAttrs, b: FakeQuantAttrs): boolean =>
  a.rounding === b.rounding &&
  sameShape(a.shape, b.shape) &&
  sameShape(a.scale, b.scale) &&
  sameShape(a.zero, b.zero) &&
  sameShape(a.codes, b.codes);

/** The quantizer ahead of what only moves or selects elements for it. */
function raise(n: NodeOf<"fakeQuant">, r: Rewriter): ValueId | undefined {
  const x = n.inputs[0]!;
  const move = r.producerOf(x);
  if (!move || !MOVES.has(move.op) || !r.single(x) || n.attrs.scale.length !== 1 || n.attrs.scale[0]! < 0)
    return undefined;
  const data = move.op === "concat" ? move.inputs.length : 1;
  const inputs = move.inputs.map((i, k) => (k < data ? r.add("fakeQuant", [r.at(i)], n.attrs, n.loc) : r.at(i)));
  return r.add<OpName>(move.op, inputs, move.attrs as never, move.loc, r.as(n));
}

/** What the operand is already: a value of the same quantizer, moved perhaps. */
function repeated(n: NodeOf<"fakeQuant">, r: Rewriter): boolean {
  let id = n.inputs[0]!;
  for (;;) {
    const from = r.producerOf(id);
    if (from?.op === "fakeQuant") return same({ ...from.attrs, rounding: n.attrs.rounding }, n.attrs);
    if (!from || !MOVES.has(from.op) || from.op === "concat" || n.attrs.scale.length !== 1) return false;
    id = from.inputs[0]!;
  }
}

function simplify(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op !== "fakeQuant") return undefined;
  const x = n.inputs[0]!;
  if (repeated(n, r) && !r.isGraphOutput(n.outputs[0]!)) return r.at(x);
  const twin = r.readersOf(x).find((m): m is NodeOf<"fakeQuant"> => m.op === "fakeQuant" && same(m.attrs, n.attrs));
  if (twin && twin !== n) return r.at(twin.outputs[0]!);
  return raise(n, r);
}

/**
 * ```
 * %b = maxPool(%a)                         %q = fakeQuant(%a) {scale 0.5, …}
 * %c = fakeQuant(%b) {scale 0.5, …}   →    %c = maxPool(%q)
 * ```
 */
export const raiseQuantizers: Pass = {
  name: "raise-quantizers",
  doc: "Moves a quantizer ahead of movement and window maxima, next to the arithmetic whose result it rounds; joins equal quantizers of one value and drops one that finds its value on its grid.",
  level: "float",
  run: (g) => rewrite(g, simplify),
};
