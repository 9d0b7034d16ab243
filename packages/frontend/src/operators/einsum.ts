import { elements, type ValueId } from "@accelc/ir";
import { text } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { expand, reduce, reshape, transpose } from "./build.js";
import { MANY, type OperatorRow, row } from "./row.js";

/** A tensor whose axes carry labels; each label once. */
interface Labelled {
  readonly id: ValueId;
  readonly labels: readonly string[];
}

interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** "...ij" as labels; an ellipsis stands for the axes that are left, counted from their end. */
function labelsOf(n: NodeContext, term: string, rank: number, equation: string): string[] {
  const bad = (reason: string): never => n.badAttribute("equation", JSON.stringify(equation), reason);
  const [before, after, ...more] = term.split("...");
  if (more.length > 0 || !/^[A-Za-z]*$/.test(term.replace("...", "")))
    bad(`${JSON.stringify(term)} is not a list of letters`);
  if (after === undefined) {
    if (rank >= 0 && before!.length !== rank)
      bad(`${JSON.stringify(term)} names ${before!.length} axes of rank ${rank}`);
    return [...before!];
  }
  const hidden = rank - before!.length - after.length;
  if (hidden < 0) bad(`${JSON.stringify(term)} names more axes than rank ${rank} has`);
  return [...before!, ...Array.from({ length: hidden }, (_, i) => `.${hidden - i}`), ...after];
}

function parseEquation(n: NodeContext, equation: string): Equation {
  const [left, right] = equation.replaceAll(" ", "").split("->") as [string, string | undefined];
  const terms = left.split(",");
  const inputs = n.allInputs();
  if (terms.length !== inputs.length)
    n.badAttribute("equation", JSON.stringify(equation), `it has ${terms.length} terms for ${inputs.length} inputs`);
  const operands = terms.map((t, i) => labelsOf(n, t, n.shape(inputs[i]!).length, equation));
  const all = operands.flat();
  const hidden = [...new Set(all.filter((l) => l.startsWith(".")))].sort(
    (a, b) => Number(b.slice(1)) - Number(a.slice(1)),
  );
  if (right === undefined) {
    const once = [...new Set(all)].filter((l) => !l.startsWith(".") && all.filter((m) => m === l).length === 1);
    return { operands, output: [...hidden, ...once.sort()] };
  }
  const output = labelsOf(
    n,
    right,
    right.includes("...") ? right.replace("...", "").length + hidden.length : -1,
    equation,
  );
  const unknown = output.find((l) => !all.includes(l));
  if (unknown !== undefined) n.badAttribute("equation", JSON.stringify(equation), `no term has ${unknown}`);
  return { operands, output };
}

/** The diagonal of two axes with one label: every (extent + 1)-th element of the two as one. */
function diagonal(n: NodeContext, t: Labelled): Labelled {
  const second = t.labels.findIndex((l, i) => t.labels.indexOf(l) < i);
  if (second < 0) return t;
  const first = t.labels.indexOf(t.labels[second]!);
  const others = t.labels.map((_, i) => i).filter((i) => i !== first && i !== second);
  const moved = transpose(n, t.id, [...others, first, second]);
  const shape = n.shape(moved);
  const [extent, same] = [shape.at(-2)!, shape.at(-1)!];
  if (extent !== same) n.disagree(`the axes ${t.labels[second]} have ${extent} and ${same} elements`);
  const rows = reshape(n, moved, [...shape.slice(0, -2), extent * extent]);
  const sizes = shape.slice(0, -1);
  const id = n.add("slice", [rows], {
    starts: sizes.map(() => 0),
    steps: sizes.map((_, i) => (i === sizes.length - 1 ? extent + 1 : 1)),
    sizes,
  });
  return diagonal(n, { id, labels: [...others.map((i) => t.labels[i]!), t.labels[first]!] });
}

function summed(n: NodeContext, t: Labelled, wanted: ReadonlySet<string>): Labelled {
  const axes = t.labels.flatMap((l, i) => (wanted.has(l) ? [] : [i]));
  if (axes.length === 0) return t;
  const kept = t.labels.filter((l) => wanted.has(l));
  const sums = reduce(n, "sum", t.id, axes);
  const shape = n.shape(t.id).filter((_, i) => !axes.includes(i));
  return { id: reshape(n, sums, shape), labels: kept };
}

/** Axes in the order of `labels`, split into the groups' products. */
function grouped(
  n: NodeContext,
  t: Labelled,
  sizes: ReadonlyMap<string, number>,
  groups: readonly (readonly string[])[],
) {
  const order = groups.flat();
  const moved = transpose(
    n,
    t.id,
    order.map((l) => t.labels.indexOf(l)),
  );
  const full = expand(
    n,
    moved,
    order.map((l) => sizes.get(l)!),
  );
  return reshape(
    n,
    full,
    groups.map((g) => elements(g.map((l) => sizes.get(l)!))),
  );
}

/** Two tensors as one batched matrix product over the labels that are wanted no more. */
function contract(
  n: NodeContext,
  a: Labelled,
  b: Labelled,
  wanted: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Labelled {
  const [x, y] = [summed(n, a, new Set([...wanted, ...b.labels])), summed(n, b, new Set([...wanted, ...a.labels]))];
  const shared = x.labels.filter((l) => y.labels.includes(l));
  const batch = shared.filter((l) => wanted.has(l));
  const inner = shared.filter((l) => !wanted.has(l));
  const [left, right] = [x.labels.filter((l) => !shared.includes(l)), y.labels.filter((l) => !shared.includes(l))];
  const labels = [...batch, ...left, ...right];
  const shape = labels.map((l) => sizes.get(l)!);
  const [p, q] = [grouped(n, x, sizes, [batch, left, inner]), grouped(n, y, sizes, [batch, inner, right])];
  const op = inner.length === 0 ? "mul" : "matmul";
  return { id: reshape(n, n.add(op, [p, q], {}), shape), labels };
}

function einsum(n: NodeContext, equation: string): void {
  const { operands, output } = parseEquation(n, equation);
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  const sizes = new Map<string, number>();
  operands.forEach((labels, k) => {
    labels.forEach((l, i) => {
      const [extent, known] = [n.shape(inputs[k]!)[i]!, sizes.get(l) ?? 1];
      if (known !== 1 && extent !== 1 && known !== extent) n.disagree(`axis ${l} has ${known} and ${extent} elements`);
      sizes.set(l, Math.max(extent, known));
    });
  });
  const tensors = operands.map((labels, i) => diagonal(n, { id: inputs[i]!, labels }));
  const needed = (from: number): Set<string> => new Set([...output, ...operands.slice(from).flat()]);
  const product = tensors.slice(1).reduce((acc, t, i) => contract(n, acc, t, needed(i + 2), sizes), tensors[0]!);
  const result = summed(n, product, new Set(output));
  n.finish(
    transpose(
      n,
      result.id,
      output.map((l) => result.labels.indexOf(l)),
    ),
  );
}

export const EINSUM: readonly OperatorRow[] = [
  row({
    op: "Einsum",
    since: 12,
    unit: "systolic",
    constraints: "float tensors at run time",
    inputs: [1, MANY],
    attributes: { equation: text },
    parse: (n, a) => einsum(n, a.equation),
  }),
];
