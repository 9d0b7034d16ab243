import { elements, type Loc, type Node, type ValueId } from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** x[N,C,spatial…] and the order in which its axes were flattened to [N, C * spatial]. */
interface Flattened {
  readonly x: ValueId;
  readonly perm: readonly number[];
}

/** What a reshape used once flattens to `id`, looked at through a transpose that leaves the batch where it is. */
function flattened(id: ValueId, r: Rewriter): Flattened | undefined {
  const reshape = r.single(id) ? r.producer(id, "reshape") : undefined;
  if (!reshape) return undefined;
  const from = reshape.inputs[0]!;
  const [shape, flat] = [r.shape(from), r.shape(id)];
  if (shape.length < 3 || flat.length !== 2 || shape[0] !== flat[0]) return undefined;
  const turned = r.single(from) ? r.producer(from, "transpose") : undefined;
  if (turned?.attrs.perm[0] === 0) return { x: turned.inputs[0]!, perm: turned.attrs.perm };
  return { x: from, perm: shape.map((_, i) => i) };
}

/** w[K,O] as [O, axes of x after the batch in their own order], K running over them in flattened order. */
function filter(w: ValueId, { x, perm }: Flattened, loc: Loc, r: Rewriter): ValueId {
  const shape = r.shape(x);
  const columns = r.add("transpose", [r.at(w)], { perm: [1, 0] }, loc);
  const axes = [r.shape(w)[1]!, ...perm.slice(1).map((p) => shape[p]!)];
  const split = r.add("reshape", [columns], { shape: axes }, loc, { id: `${w}.filter` });
  if (perm.every((p, i) => p === i)) return split;
  return r.add("transpose", [split], { perm: perm.map((_, i) => perm.indexOf(i)) }, loc, { id: `${w}.filter` });
}

/** Weight blocks that a convolution over few channels may take beyond those of the product, which packs them tightly. */
const MOST_WASTE = 4;

/** Few channels leave most of an array row idle, and one row of the kernel must fit the weight buffer. */
function worthwhile(shape: readonly number[], m: MachineDescription): boolean {
  const [channels, positions] = [shape[1]!, elements(shape.slice(2))];
  const asConv = Math.ceil(channels / m.array.rows) * positions;
  const asProduct = Math.ceil((channels * positions) / m.array.rows);
  return asConv <= MOST_WASTE * asProduct && shape.at(-1)! <= derive(m).wbuf.halfRows;
}

function asConv(n: Node, r: Rewriter, m: MachineDescription): ValueId | undefined {
  if (n.op !== "matmul") return undefined;
  const [a, w, bias] = n.inputs as [ValueId, ValueId, ValueId | undefined];
  const flat = flattened(a, r);
  // Scales that change along K would change within the kernel.
  const blocked = (r.grid(w)?.shape ?? []).length === 2 && r.grid(w)!.shape[0]! > 1;
  if (!flat || !r.data(w) || blocked || r.shape(w).length !== 2 || !worthwhile(r.shape(flat.x), m)) return undefined;
  const kernel = r.shape(flat.x).slice(2);
  const ones = kernel.map(() => 1);
  const pads = [...kernel, ...kernel].map(() => 0);
  const conv = r.add(
    "conv",
    [r.at(flat.x), filter(w, flat, n.loc, r), ...(bias === undefined ? [] : [r.at(bias)])],
    { strides: ones, dilations: ones, pads, groups: 1, fill: 0 },
    n.loc,
    r.reshaped(n),
  );
  return r.add("reshape", [conv], { shape: r.shape(n.outputs[0]!) }, n.loc, r.as(n));
}

/**
 * A matrix product of all channels and positions at once is a convolution whose kernel covers the whole plane:
 * y[n,o] = Σ_{c,s} x[n,c,s] * w[c * S + s, o], S the number of positions.
 * ```
 * %b = reshape(%a) {shape=[1,256]}   // %a : float32[1,16,4,4]
 * %c = matmul(%b, %w)                →   %f = reshape(transpose(%w)) {shape=[10,16,4,4]}   // folded later
 *                                        %y = conv(%a, %f)                                 // float32[1,10,1,1]
 *                                        %c = reshape(%y) {shape=[1,10]}
 * ```
 */
export const flattenMatmul: Pass = {
  name: "flatten-matmul",
  doc: "Writes a matrix product of a flattened feature map with constant weights as a convolution over the whole map, so that the map need not be rearranged.",
  level: "float",
  run: (g, { machine }) => rewrite(g, (n, r) => asConv(n, r, machine)),
};
