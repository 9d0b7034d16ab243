import { consumersOf, type Graph, isGemm, type Node, type OpName, producersOf, type ValueId } from "@accelc/ir";
import { type Calibration, type CodeSet, type Range, rangeOn, rangeSources } from "../calibration/index.js";
import { rawValues } from "../raw.js";
import { isCentering } from "./centering.js";
import { classesOf } from "./classes.js";
import { MASK } from "./context.js";
import { coveredInputs } from "./coverage.js";
import { type Formats, formatBits, isMinifloatFormat, type OperandFormat, planFormats } from "./formats.js";
import {
  asymmetric,
  type FixedGrid,
  FLOAT16,
  type FloatGrid,
  finest,
  fixed16,
  fixed32,
  fp8Bias,
  type Grid,
  importedGrid,
  isFloatGrid,
  magnitude,
  rangeOf,
  symmetric,
  union,
  wide,
} from "./grid.js";
import { learnedClips } from "./learned-clips.js";
import { rangesOf } from "./ranges.js";

/** Which float values are stored, and on which grids. */
export interface Grids {
  /** The range that was seen, where one was. */
  seen(id: ValueId): Range | undefined;
  /** The range that was seen or, failing that, the one that follows from what was. */
  expected(id: ValueId): Range;
  grid(id: ValueId): Grid;
  /** The grid in which a GEMM that multiplies numbers of a format takes the value. */
  numbers(id: ValueId, format: "fp16" | "hfp8"): FloatGrid;
  /** The grid in which a GEMM that multiplies integers takes the value. */
  codes(id: ValueId): FixedGrid;
  /** Is the node a maximum over a window that takes its operand in fixed point, because the codes of its class have no order? */
  unordered(n: Node): boolean;
  /** Is the value tied to no other? */
  alone(id: ValueId): boolean;
  /** May the value stay a form until its only consumer takes it? */
  deferrable(id: ValueId): boolean;
  /** Is the value on a grid that the model states? */
  stated(id: ValueId): boolean;
  /** Does the value's own grid, or a factor's, follow from what is seen of it? */
  needsRange(id: ValueId): boolean;
  /** The grid of 8 bits or fewer that the value reaches through additions and activations alone. */
  target(id: ValueId): FixedGrid | undefined;
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
  "fakeQuant",
  "cast",
]);
/** Functions whose results span many powers of two. */
const DYNAMIC_FUNCTIONS: ReadonlySet<string> = new Set(["exp", "reciprocal", "square", "sqrt", "log"]);
const DYNAMIC: ReadonlySet<OpName> = new Set<OpName>(["pow", "div", "softmax", "cumSum", "reduce"]);

function isDynamic(g: Graph, producer: (id: ValueId) => Node | undefined, id: ValueId): boolean {
  const n = producer(id);
  if (isCentering(g, producer, n)) return true;
  if (n?.op === "unary") return DYNAMIC_FUNCTIONS.has(n.attrs.fn);
  if (n?.op === "div") return !g.values.get(n.inputs[1]!)!.data;
  return n !== undefined && DYNAMIC.has(n.op);
}
/** What passes an error on no larger, relative to its results' ranges. */
const PASSES_ERRORS: ReadonlySet<OpName> = new Set<OpName>([
  ...["add", "sub", "mul", "relu", "leakyRelu", "clip", "batchNorm", "averagePool", "maxPool", "concat", "where"],
  ...["reshape", "transpose", "slice", "expand", "identity", "pad", "gather"],
] as OpName[]);
const KEEPS_UNITS: ReadonlySet<OpName> = new Set<OpName>(["add", "sub", "relu", "leakyRelu", "clip", "fakeQuant"]);

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

/** How GEMMs read a data operand: the most bits of those that multiply integers, and the formats of those that multiply numbers. */
interface Read {
  readonly bits: number;
  readonly numbers: ReadonlySet<"fp16" | "hfp8">;
}

/** Data operands of GEMMs. Constants on the right are codes of their own. */
function gemmOperands(g: Graph, formats: Formats): ReadonlyMap<ValueId, Read> {
  const out = new Map<ValueId, Read>();
  const read = (id: ValueId, format: OperandFormat) => {
    const { bits, numbers } = out.get(id) ?? { bits: 0, numbers: new Set() };
    if (isMinifloatFormat(format)) out.set(id, { bits, numbers: new Set([...numbers, format]) });
    else out.set(id, { bits: Math.max(bits, g.values.get(id)!.data ? 8 : 0, formatBits(format)), numbers });
  };
  for (const n of g.nodes) {
    if (!isGemm(n)) continue;
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
  const operands = gemmOperands(g, formats);
  const readAs = (members: readonly ValueId[]) =>
    new Set(members.flatMap((m) => [...(operands.get(m)?.numbers ?? [])]));
  const tied = classesOf(g);
  const free = new Set(g.nodes.filter((n) => n.op === "maxPool" && readAs(tied.members(n.outputs[0]!)).size > 0));
  const classes = free.size > 0 ? classesOf(g, free) : tied;
  const clips = new Map(clipBits === undefined ? [] : learnedClips(g, classes));
  for (const v of g.values.values())
    if (v.source !== undefined && calibration.fixed?.has(v.source)) clips.delete(classes.find(v.id));
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
  const seen = (id: ValueId): Range | undefined => measured(id) ?? cutTo(id);
  /** What a quotient that is only cut to a range is wanted of. */
  const cutTo = (id: ValueId): Range | undefined => {
    const [use, more] = consumers.get(id) ?? [];
    const cut = producers.get(id)?.op === "div" && use?.op === "clip" && !more && !outputs.has(id);
    return cut && Number.isFinite(use.attrs.min + use.attrs.max) ? use.attrs : undefined;
  };
  const clipOf = (id: ValueId): number | undefined => clips.get(classes.find(id));
  const onlyMoved = (id: ValueId): boolean => !inputs.has(id) && readByMovement(id);
  const readByMovement = (id: ValueId): boolean =>
    (consumers.get(id) ?? []).every((n: Node) => classes.tied(n).includes(id));
  /** Is the value selected and moved, and never computed with? */
  const onlySelected = (id: ValueId): boolean =>
    (consumers.get(id) ?? []).every((n: Node) => n.op === "where" || classes.tied(n).includes(id));
  const isWide = (root: ValueId): boolean => classes.members(root).every(onlyMoved);
  const deferrable = (id: ValueId): boolean => {
    const uses = consumers.get(id) ?? [];
    return (
      !outputs.has(id) &&
      !inputs.has(id) &&
      clipOf(id) === undefined &&
      producers.get(id)?.op !== "fakeQuant" &&
      classes.members(id).length === 1 &&
      uses.length === 1 &&
      (TAKES_FORMS.has(uses[0]!.op) || free.has(uses[0]!))
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
  const rangeIn = (members: readonly ValueId[], codes?: CodeSet): Range =>
    seenIn(members, codes) ?? rangeOver(members, estimate);
  const numbers = (id: ValueId, format: "fp16" | "hfp8"): FloatGrid =>
    format === "fp16" ? FLOAT16 : { format: "fp8e4m3", bias: fp8Bias(magnitude(rangeIn(classes.members(id)))) };
  /** FP8 where nothing but its products reads the class, DLFloat where something else does. What the host gives has integers. */
  const floatGrid = (members: readonly ValueId[]): FloatGrid | undefined => {
    const wanted = readAs(members);
    if (wanted.size === 0 || members.some((m) => inputs.has(m))) return undefined;
    const products = (n: Node) => isMinifloatFormat(formats.get(n.outputs[0]!)?.activations ?? "int8");
    const only = (m: ValueId) => (consumers.get(m) ?? []).every((n) => products(n) || classes.tied(n).includes(m));
    const alone = members.every((m) => !outputs.has(m) && only(m));
    return numbers(members[0]!, alone && !wanted.has("fp16") ? "hfp8" : "fp16");
  };
  const codesOf = (root: ValueId, members: readonly ValueId[], least: number): FixedGrid | undefined => {
    const pin = classes.pin(root);
    if (pin) return importedGrid(pin);
    const alpha = clips.get(root);
    const bits = Math.max(
      least,
      alpha === undefined ? 0 : clipBits!,
      ...members.map((m) => operands.get(m)?.bits ?? 0),
    );
    if (alpha !== undefined && !centered.has(root)) return asymmetric({ min: 0, max: alpha }, bits);
    if (bits === 0) return undefined;
    const codes: CodeSet = { bits, symmetric: centered.has(root) };
    return (codes.symmetric ? symmetric : asymmetric)(rangeIn(members, codes), bits);
  };
  const codes = (id: ValueId): FixedGrid => codesOf(classes.find(id), classes.members(id), 2)!;
  const covered = coveredInputs(g);
  const gridFor = (root: ValueId, members: readonly ValueId[]): Grid => {
    const pin = classes.pin(root);
    if (pin) return importedGrid(pin);
    const rounded = members.map((m) => covered.get(m)).find((r) => r !== undefined);
    if (rounded && !members.some((m) => operands.has(m))) return finest(rounded);
    const own = floatGrid(members) ?? codesOf(root, members, 0);
    if (own) return own;
    if (isWide(root)) return wide(rangeOver(members, proven), seenIn(members));
    if (members.every(onlySelected)) return finest(rangeIn(members));
    const dynamic = readAs(members).size > 0 || members.some((m) => isDynamic(g, (id) => producers.get(id), m));
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
  /** The grid of 8 bits that a value is stored on. */
  const stored8 = (id: ValueId): FixedGrid | undefined => {
    const g = deferrable(id) ? undefined : grid(id);
    return g && !isFloatGrid(g) && g.bits === 8 ? g : undefined;
  };
  const target = (id: ValueId): FixedGrid | undefined => {
    for (let at = id; ; ) {
      if (!deferrable(at)) return stored8(at);
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
    const own = !outputs.has(id) && stored8(id) !== undefined;
    const found = own || (!outputs.has(id) && (consumers.get(id) ?? []).every(reaches));
    lands.set(id, found);
    return found;
  };
  const tolerance = (id: ValueId): number => {
    if (!landsOnCodes(id)) return 0;
    const g = stored8(id);
    if (g) return g.scale / 8;
    const r = expected(id);
    return (r.max - r.min) / 255 / 8;
  };
  const expected = (id: ValueId): Range => seen(id) ?? estimate(id);
  const stated = (id: ValueId): boolean => classes.pin(id) !== undefined;
  const factor = (n: Node): boolean =>
    (n.op === "mul" || n.op === "div") && n.inputs.every((i) => !g.values.get(i)!.data);
  const needsRange = (id: ValueId): boolean => {
    const members = classes.members(id);
    if (stated(id) || members.some((m) => covered.has(m) && !operands.has(m))) return false;
    if (members.some((m) => operands.has(m))) return true;
    return deferrable(id) ? factor(consumers.get(id)![0]!) : !isWide(classes.find(id));
  };
  const alone = (id: ValueId): boolean => classes.members(id).length === 1;
  const unordered = (n: Node): boolean => free.has(n);
  return { seen, expected, grid, numbers, codes, unordered, alone, deferrable, needsRange, stated, target, tolerance };
}

/**
 * ONNX names of the float values whose ranges quantization needs, in graph order: all that are neither constants, nor raw
 * words, nor on grids that the model states; none where it states all that counts.
 */
export function calibrationTensors(g: Graph): string[] {
  const raw = rawValues(g);
  const formats = planFormats(g, { precision: "int8" });
  const { needsRange, stated } = planGrids(g, { ranges: new Map() }, new Set(), { formats });
  const open = [...g.values.values()].filter((v) => v.type.dtype === "float32" && !v.data && !raw.has(v.id));
  if (g.nodes.some((n) => n.op === "fakeQuant") && !open.some((v) => needsRange(v.id))) return [];
  return [...new Set(open.flatMap((v) => (v.source === undefined || stated(v.id) ? [] : [v.source])))];
}
