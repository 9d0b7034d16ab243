import { type Loc, type Node, type NodeOf, sameShape, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

type Movement = NodeOf<"reshape"> | NodeOf<"transpose">;

/** The reshape or transpose that defines `id` for one reader only. */
function movementOf(id: ValueId, r: Rewriter): Movement | undefined {
  if (!r.single(id)) return undefined;
  return r.producer(id, "reshape") ?? r.producer(id, "transpose");
}

function sameMove(a: Movement, b: Movement, r: Rewriter): boolean {
  if (a.op !== b.op || !sameShape(r.shape(a.inputs[0]!), r.shape(b.inputs[0]!))) return false;
  const moved = (m: Movement) => (m.op === "reshape" ? m.attrs.shape : m.attrs.perm);
  return sameShape(moved(a), moved(b));
}

/**
 * For a reshape that only inserts or removes unit axes: for each axis of its input the axis of its output that holds it,
 * or undefined for a unit axis without one.
 */
function unitReshape(from: readonly number[], to: readonly number[]): (number | undefined)[] | undefined {
  const kept = to.flatMap((n, i) => (n === 1 ? [] : [i]));
  const axes = from.map((n) => (n === 1 ? undefined : kept.shift()));
  const fits = kept.length === 0 && from.every((n, i) => n === 1 || (axes[i] !== undefined && to[axes[i]] === n));
  return fits ? axes : undefined;
}

/** The constant as it must be to meet the movement's input instead of its output, of shape `to`. */
function moveBack(id: ValueId, move: Movement, to: readonly number[], loc: Loc, r: Rewriter): ValueId | undefined {
  const missing = to.length - r.shape(id).length;
  if (missing < 0) return undefined;
  const shape = [...new Array<number>(missing).fill(1), ...r.shape(id)];
  if (move.op === "transpose") {
    const aligned = r.add("reshape", [r.at(id)], { shape }, loc);
    return r.add("transpose", [aligned], { perm: to.map((_, i) => move.attrs.perm.indexOf(i)) }, loc);
  }
  const from = r.shape(move.inputs[0]!);
  if (shape.every((n) => n === 1)) return r.add("reshape", [r.at(id)], { shape: from.map(() => 1) }, loc);
  const axes = unitReshape(from, to);
  return axes && r.add("reshape", [r.at(id)], { shape: axes.map((a) => (a === undefined ? 1 : shape[a]!)) }, loc);
}

/** Axes of a product that the array walks. */
const MOST_AXES = 4;

const SINKABLE: ReadonlySet<Node["op"]> = new Set<Node["op"]>([
  "relu",
  "leakyRelu",
  "clip",
  "unary",
  "add",
  "sub",
  "mul",
  "div",
]);

/** A reshape of a product's leading axes alone is one of its result's. */
function sinkBehindProduct(n: NodeOf<"matmul">, r: Rewriter): ValueId | undefined {
  const [x, w] = n.inputs as [ValueId, ValueId];
  const move = r.producer(x, "reshape");
  if (!move || !r.data(w) || r.shape(w).length !== 2) return undefined;
  const from = r.shape(move.inputs[0]!);
  if (from.length < 2 || from.length > MOST_AXES || from.at(-1) !== r.shape(x).at(-1)) return undefined;
  const operands = [r.at(move.inputs[0]!), ...n.inputs.slice(1).map((i) => r.at(i))];
  const inner = r.add("matmul", operands, n.attrs, n.loc, r.reshaped(n));
  return r.add("reshape", [inner], { shape: r.shape(n.outputs[0]!) }, move.loc, r.as(n));
}

function sink(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op === "matmul") return sinkBehindProduct(n as NodeOf<"matmul">, r);
  if (!SINKABLE.has(n.op) && !(n.op === "fakeQuant" && n.attrs.scale.length === 1)) return undefined;
  const moves = n.inputs.filter((i) => !r.data(i)).map((i) => movementOf(i, r));
  const move = moves[0];
  if (!move || !moves.every((m) => m && sameMove(m, move, r))) return undefined;
  const to = r.shape(move.outputs[0]!);
  if (!sameShape(to, r.shape(n.outputs[0]!))) return undefined;
  const operands = n.inputs.map((i) =>
    r.data(i) ? moveBack(i, move, to, n.loc, r) : r.at(r.producerOf(i)!.inputs[0]!),
  );
  if (operands.some((o) => o === undefined)) return undefined;
  const named = move.op === "reshape" ? r.reshaped(n) : {};
  const inner = r.add(n.op, operands as ValueId[], n.attrs as never, n.loc, named);
  return r.add(move.op, [inner], move.attrs as never, move.loc, r.as(n));
}

/**
 * ```
 * %b = reshape(%a) {shape=[1,512]}         %b = relu(%a)
 * %c = relu(%b)                        →   %c = reshape(%b) {shape=[1,512]}
 * ```
 */
export const sinkMovement: Pass = {
  name: "sink-movement",
  doc: "Moves reshapes and transposes behind elementwise operations, and reshapes of leading axes behind products with constants, so that opposite ones meet and arithmetic stands next to the convolution or product it follows.",
  level: "float",
  run: (g) => rewrite(g, sink),
};
