import { consumersOf, type Graph, type Node, type OpName, producersOf, type ValueId } from "@accelc/ir";
import { type Calibration, type CodeSet, type Range, rangeOn, rangeSources } from "../calibration/index.js";
import { classesOf, tiedInputs } from "./classes.js";
import { MASK } from "./context.js";
import { type Formats, formatBits, type OperandFormat } from "./formats.js";
import { asymmetric, finest, fixed16, fixed32, type Grid, rangeOf, symmetric, union, wide } from "./grid.js";
import { learnedClips } from "./learned-clips.js";
import { rangesOf } from "./ranges.js";

/** Which float values are stored, and on which grids. */
export interface Grids {
  /** The range that was seen, where one was. */
  seen(id: ValueId): Range | undefined;
  /** The range that was seen or, failing that, the one that follows from what was. */
  expected(id: ValueId): Range;
  grid(id: ValueId): Grid;
  /** Is the value tied to no other? */
  alone(id: ValueId): boolean;
  /** May the value stay a form until its only consumer takes it? */
  deferrable(id: ValueId): boolean;
  /** Scale of the 8-bit grid that the value reaches through additions and activations alone. */
  target(id: ValueId): number | undefined;
  /**
   * Absolute error of a value that its readers do not notice: an eighth of a step of its grid of 8 bits or fewer, or of one with
   * 256 steps over its range where all that is computed from it comes to lie on such grids; 0 where it may reach an output.
   */
  tolerance(id: ValueId): number;
}

const TAKES_FORMS: ReadonlySet<OpName> = new Set<OpName>([
  "add",
  "sub",
  "mul",
  "div",
  "relu",
  "leakyRelu",
  "clip",
  "batchNorm",
  "unary",
  "pow",
  "minimum",
  "maximum",
  "mod",
  "compare",
  "where",
  "reduce",
  "argReduce",
  "softmax",
  "cumSum",
]);
/** Functions whose results span many powers of two. */
const DYNAMIC_FUNCTIONS: ReadonlySet<string> = new Set(["exp", "reciprocal", "square", "sqrt", "log"]);
const DYNAMIC: ReadonlySet<OpName> = new Set<OpName>(["pow", "div", "softmax", "cumSum", "reduce"]);

function isDynamic(g: Graph, n: Node | undefined): boolean {
  if (n?.op === "unary") return DYNAMIC_FUNCTIONS.has(n.attrs.fn);
  if (n?.op === "div") return !g.values.get(n.inputs[1]!)!.data;
  return n !== undefined && DYNAMIC.has(n.op);
}
/** What passes an error on no larger, relative to its results' ranges. */
const PASSES_ERRORS: ReadonlySet<OpName> = new Set<OpName>([
  ...["add", "sub", "mul", "relu", "leakyRelu", "clip", "batchNorm", "averagePool", "maxPool", "concat", "where"],
  ...["reshape", "transpose", "slice", "expand", "identity", "pad", "gather"],
] as OpName[]);
const KEEPS_UNITS: ReadonlySet<OpName> = new Set<OpName>(["add", "sub", "relu", "leakyRelu", "clip"]);

/** Operands that a GEMM multiplies by something whose sums are not known in advance: their zero point must be 0. */
function symmetricOperands(g: Graph): Set<ValueId> {
  const out = new Set<ValueId>();
  for (const n of g.nodes) {
    if (n.op !== "matmul") continue;
    const [a, b] = n.inputs as [ValueId, ValueId];
    const right = g.values.get(b)!;
    const plain = right.data && right.type.shape.slice(0, -2).every((d) => d === 1);
    if (plain) continue;
    out.add(a);
    if (!right.data) out.add(b);
  }
  return out;
}

/** Data operands of GEMMs, and the most bits in which one of these reads each. Constants on the right are codes of their own. */
function gemmOperands(g: Graph, formats: Formats): ReadonlyMap<ValueId, number> {
  const out = new Map<ValueId, number>();
  const read = (id: ValueId, format: OperandFormat) =>
    out.set(id, Math.max(out.get(id) ?? 0, g.values.get(id)!.data ? 8 : 0, formatBits(format)));
  for (const n of g.nodes) {
    if (n.op !== "conv" && n.op !== "matmul") continue;
    const { activations, weights } = formats.get(n.outputs[0]!)!;
    const [x, w] = n.inputs as readonly [ValueId, ValueId];
    read(x, activations);
    if (n.op === "matmul") read(w, g.values.get(w)!.data ? weights : activations);
  }
  return out;
}

/** What decides on grids beside graph and ranges. */
export interface GridOptions {
  readonly formats: Formats;
  /** Bits of the activations that training clipped at a learned level, where such levels are to be used. */
  readonly clipBits?: number;
}

export function planGrids(
  g: Graph,
  calibration: Calibration,
  masked: ReadonlySet<ValueId>,
  { formats, clipBits }: GridOptions,
): Grids {
  const classes = classesOf(g);
  const clips = clipBits === undefined ? new Map<ValueId, number>() : learnedClips(g, classes);
  const consumers = consumersOf(g);
  const producers = producersOf(g);
  const sources = rangeSources(g);
  const inputs = new Set(g.inputs.map((p) => p.value));
  const outputs = new Set(g.outputs.map((p) => p.value));
  const centered = new Set([...symmetricOperands(g)].map((id) => classes.find(id)));
  const known = new Map<ValueId, Grid>();

  /** The range that was seen or, for a grid with these codes, the one chosen from it. */
  const measured = (id: ValueId, codes?: CodeSet): Range | undefined => {
    const source = sources.get(id);
    if (source === undefined) return undefined;
    const range = codes ? rangeOn(calibration, source, codes) : calibration.ranges.get(source);
    return range && masked.has(id) ? { min: Math.max(range.min, MASK), max: Math.max(range.max, MASK) } : range;
  };
  const seen = (id: ValueId): Range | undefined => measured(id);
  const operands = gemmOperands(g, formats);
  const clipOf = (id: ValueId): number | undefined => clips.get(classes.find(id));
  const onlyMoved = (id: ValueId): boolean => !inputs.has(id) && readByMovement(id);
  const readByMovement = (id: ValueId): boolean =>
    (consumers.get(id) ?? []).every((n: Node) => tiedInputs(g, n, consumers).includes(id));
  /** Is the value selected and moved, and never computed with? */
  const onlySelected = (id: ValueId): boolean =>
    (consumers.get(id) ?? []).every((n: Node) => n.op === "where" || tiedInputs(g, n, consumers).includes(id));
  const isWide = (root: ValueId): boolean => classes.members(root).every(onlyMoved);
  const deferrable = (id: ValueId): boolean => {
    const uses = consumers.get(id) ?? [];
    return (
      !outputs.has(id) &&
      !inputs.has(id) &&
      clipOf(id) === undefined &&
      classes.members(id).length === 1 &&
      uses.length === 1 &&
      TAKES_FORMS.has(uses[0]!.op)
    );
  };
  /** Ranges from calibration, by interval arithmetic where it has none. */
  const estimate = rangesOf(g, seen);
  /** Magnitudes that stored int8 codes prove. */
  const proven = rangesOf(g, (v) => (isWide(classes.find(v)) || deferrable(v) ? undefined : rangeOf(grid(v))), true);
  const pads = (id: ValueId): Range[] => {
    const n = producers.get(id);
    return n?.op === "pad" && Number.isFinite(n.attrs.value) ? [{ min: n.attrs.value, max: n.attrs.value }] : [];
  };
  const rangeOver = (members: readonly ValueId[], of: (m: ValueId) => Range): Range => members.map(of).reduce(union);
  /** What was seen of a class, or chosen for these codes, its constants and pad values included; undefined where nothing was. */
  const seenIn = (members: readonly ValueId[], codes?: CodeSet): Range | undefined => {
    const some = members.filter(seen);
    const constants = members.filter((m) => g.values.get(m)!.data);
    const ranges = [...some, ...constants].map((m) => measured(m, codes) ?? estimate(m));
    return some.length > 0 ? [...ranges, ...members.flatMap(pads)].reduce(union) : undefined;
  };
  const gridFor = (root: ValueId, members: readonly ValueId[]): Grid => {
    const alpha = clips.get(root);
    const bits = Math.max(alpha === undefined ? 0 : clipBits!, ...members.map((m) => operands.get(m) ?? 0));
    if (alpha !== undefined && !centered.has(root)) return asymmetric({ min: 0, max: alpha }, bits);
    if (bits > 0) {
      const codes: CodeSet = { bits, symmetric: centered.has(root) };
      const range = seenIn(members, codes) ?? rangeOver(members, estimate);
      return codes.symmetric ? symmetric(range, bits) : asymmetric(range, bits);
    }
    if (isWide(root)) return wide(rangeOver(members, proven), seenIn(members));
    if (members.every(onlySelected)) return finest(seenIn(members) ?? rangeOver(members, estimate));
    const dynamic = members.some((m) => isDynamic(g, producers.get(m)));
    return (dynamic ? fixed32 : fixed16)(rangeOver(members, estimate), seenIn(members));
  };
  const grid = (id: ValueId): Grid => {
    const root = classes.find(id);
    const old = known.get(root);
    if (old) return old;
    const members = classes.members(root);
    const made = gridFor(root, members);
    known.set(root, made);
    return made;
  };
  const target = (id: ValueId): number | undefined => {
    for (let at = id; ; ) {
      if (!deferrable(at)) return grid(at).bits === 8 ? grid(at).scale : undefined;
      const use = consumers.get(at)![0]!;
      if (!KEEPS_UNITS.has(use.op)) return undefined;
      at = use.outputs[0]!;
    }
  };
  const lands = new Map<ValueId, boolean>();
  /** Does all that is computed from the value come to lie on grids of 8 bits or fewer, each error no larger than its range? */
  const landsOnCodes = (id: ValueId): boolean => {
    const old = lands.get(id);
    if (old !== undefined) return old;
    const reaches = (n: Node) => PASSES_ERRORS.has(n.op) && landsOnCodes(n.outputs[0]!);
    const own = !deferrable(id) && !outputs.has(id) && grid(id).bits === 8;
    const found = own || (!outputs.has(id) && (consumers.get(id) ?? []).every(reaches));
    lands.set(id, found);
    return found;
  };
  const tolerance = (id: ValueId): number => {
    if (!landsOnCodes(id)) return 0;
    const g = deferrable(id) ? undefined : grid(id);
    if (g?.bits === 8) return g.scale / 8;
    const r = expected(id);
    return (r.max - r.min) / 255 / 8;
  };
  const expected = (id: ValueId): Range => seen(id) ?? estimate(id);
  const alone = (id: ValueId): boolean => classes.members(id).length === 1;
  return { seen, expected, grid, alone, deferrable, target, tolerance };
}
