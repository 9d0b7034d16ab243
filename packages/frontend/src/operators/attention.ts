import type { ValueId } from "@accelc/ir";
import { float, int, maybeFloat, maybeInt, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import {
  binary,
  bools,
  compare,
  concat,
  expand,
  iota,
  padAxis,
  reduce,
  reshape,
  transpose,
  unary,
  where,
  withNumber,
} from "./build.js";
import { type OperatorRow, row } from "./row.js";

const ATTRIBUTES = {
  is_causal: int(0),
  kv_num_heads: maybeInt,
  q_num_heads: maybeInt,
  qk_matmul_output_mode: int(0),
  scale: maybeFloat,
  softcap: float(0),
  softmax_precision: maybeInt,
};
type Attributes = Values<typeof ATTRIBUTES>;

/** What a masked score is set to: the least float32, as exporters write it. */
const LEAST = -3.4028234663852886e38;

interface Heads {
  readonly q: ValueId;
  readonly k: ValueId;
  readonly v: ValueId;
  /** Rows of K and V from earlier calls. */
  readonly past: number;
}

/** [batch, rows, heads · size] as [batch, heads, rows, size]. */
function splitHeads(n: NodeContext, i: number, heads: number | undefined): ValueId {
  const x = n.input(i);
  const shape = n.shape(x);
  if (shape.length === 4) return x;
  if (shape.length !== 3) n.badInput(i, `of shape [${shape.join(",")}]`, "it must have rank 3 or 4");
  const [batch, rows, width] = shape as [number, number, number];
  const count = heads ?? n.badAttribute(i === 0 ? "q_num_heads" : "kv_num_heads", "missing", "rank 3 needs it");
  if (count < 1 || width % count !== 0) n.disagree(`a width of ${width} does not divide into ${count} heads`);
  return transpose(n, reshape(n, x, [batch, rows, count, width / count]), [0, 2, 1, 3]);
}

/** K and V behind those of earlier calls; outputs 1 and 2. */
function readHeads(n: NodeContext, a: Attributes): Heads {
  const q = splitHeads(n, 0, a.q_num_heads);
  const joined = (i: number): ValueId => {
    const own = splitHeads(n, i, a.kv_num_heads);
    const all = n.has(i + 3) ? concat(n, [n.input(i + 3), own], 2) : own;
    if (n.outputRead(i)) n.finish(all, i);
    return all;
  };
  const [k, v] = [joined(1), joined(2)];
  return { q, k, v, past: n.has(4) ? n.shape(n.input(4))[2]! : 0 };
}

/** Key and value heads, each shared by as many query heads as there are to one. */
function shared(n: NodeContext, x: ValueId, heads: number): ValueId {
  const [batch, count, rows, size] = n.shape(x) as [number, number, number, number];
  if (count === heads) return x;
  if (heads % count !== 0) n.disagree(`${heads} query heads share ${count} key and value heads`);
  const copies = expand(n, reshape(n, x, [batch, count, 1, rows, size]), [batch, count, heads / count, rows, size]);
  return reshape(n, copies, [batch, heads, rows, size]);
}

interface Mask {
  /** Where a query may look; broadcasts to [batch, heads, rows, columns]. */
  readonly allowed?: ValueId;
  /** Is added to the scores. */
  readonly bias?: ValueId;
}

/** Columns up to the row's own, rows counted behind the past or, with padded keys, at the end of each sequence. */
function causal(n: NodeContext, h: Heads, lengths: ValueId | undefined): ValueId {
  const [rows, columns] = [n.shape(h.q)[2]!, n.shape(h.k)[2]!];
  const offset = lengths === undefined ? n.scalar(h.past, "int64") : withNumber(n, "add", lengths, -rows);
  const last = binary(n, "add", iota(n, rows, 2, 4), offset);
  return compare(n, "ge", last, iota(n, columns, 3, 4));
}

/** The mask input: a bool one restricts, a float one adds; one that is too short hides the columns it does not name. */
function givenMask(n: NodeContext, columns: number): Mask {
  const mask = n.input(3);
  const shape = n.shape(mask);
  const short = columns - shape.at(-1)!;
  const full = short > 0 && shape.at(-1)! > 1 ? padAxis(n, mask, shape.length - 1, 0, short) : mask;
  if (n.dtype(mask) === "bool") return { allowed: full };
  if (n.dtype(mask) !== "float32") n.badInput(3, n.dtype(mask), "it must be a bool or a float tensor");
  const named = Array.from({ length: columns }, (_, i) => i < columns - short);
  const allowed = full === mask ? {} : { allowed: bools(n, named, [columns]) };
  const values = n.value(full).data as Float32Array | undefined;
  if (!values?.includes(Number.NEGATIVE_INFINITY)) return { ...allowed, bias: full };
  const hidden = n.scalar(Number.NEGATIVE_INFINITY);
  const open = compare(n, "gt", full, hidden);
  return { allowed: both(n, allowed.allowed, open)!, bias: where(n, open, full, n.scalar(0)) };
}

const both = (n: NodeContext, a: ValueId | undefined, b: ValueId | undefined): ValueId | undefined =>
  a === undefined || b === undefined ? (a ?? b) : n.add("logical", [a, b], { kind: "and" });

function readMask(n: NodeContext, a: Attributes, h: Heads): Mask {
  const columns = n.shape(h.k)[2]!;
  const lengths = n.has(6) ? reshape(n, n.input(6), [n.shape(h.q)[0]!, 1, 1, 1]) : undefined;
  const given: Mask = n.has(3) ? givenMask(n, columns) : {};
  const padding =
    lengths === undefined ? undefined : compare(n, "lt", iota(n, columns, 3, 4, n.dtype(lengths)), lengths);
  const before = a.is_causal !== 0 ? causal(n, h, lengths) : undefined;
  const allowed = both(n, both(n, before, padding), given.allowed);
  return { ...(allowed === undefined ? {} : { allowed }), ...(given.bias === undefined ? {} : { bias: given.bias }) };
}

/** Rows that may look nowhere are 0 throughout. */
function withoutEmptyRows(n: NodeContext, p: ValueId, allowed: ValueId | undefined): ValueId {
  if (allowed === undefined) return p;
  const axis = n.shape(allowed).length - 1;
  const some = reduce(n, "max", allowed, [axis]);
  const known = n.value(some).data as Uint8Array | undefined;
  return known?.every((v) => v !== 0) ? p : where(n, some, p, n.scalar(0));
}

function attention(n: NodeContext, a: Attributes): void {
  if (a.qk_matmul_output_mode < 0 || a.qk_matmul_output_mode > 3)
    n.badAttribute("qk_matmul_output_mode", a.qk_matmul_output_mode, "it must be 0 to 3");
  const h = readHeads(n, a);
  const heads = n.shape(h.q)[1]!;
  const keys = transpose(n, shared(n, h.k, heads), [0, 1, 3, 2]);
  const mode = n.outputRead(3) ? a.qk_matmul_output_mode : -1;
  const seen = (at: number, id: ValueId): ValueId => {
    if (mode === at) n.finish(id, 3);
    return id;
  };
  const scale = Math.fround(a.scale ?? 1 / Math.sqrt(n.shape(h.q)[3]!));
  const scores = seen(0, withNumber(n, "mul", n.add("matmul", [h.q, keys], {}), scale));
  const capped = (x: ValueId): ValueId =>
    withNumber(n, "mul", unary(n, "tanh", withNumber(n, "mul", x, 1 / a.softcap)), a.softcap);
  const soft = seen(1, a.softcap === 0 ? scores : capped(scores));
  const { allowed, bias } = readMask(n, a, h);
  const biased = bias === undefined ? soft : binary(n, "add", soft, bias);
  const least = mode === 2 ? Number.NEGATIVE_INFINITY : LEAST;
  const masked = seen(2, allowed === undefined ? biased : where(n, allowed, biased, n.scalar(least)));
  const weights = seen(3, withoutEmptyRows(n, n.add("softmax", [masked], { axis: 3, log: false }), allowed));
  const y = n.add("matmul", [weights, shared(n, h.v, heads)], {});
  const [batch, , rows, size] = n.shape(y) as [number, number, number, number];
  if (n.shape(n.input(0)).length === 4) n.finish(y);
  else n.finish(reshape(n, transpose(n, y, [0, 2, 1, 3]), [batch, rows, heads * size]));
}

const FLOATS = "float tensors";

export const ATTENTION: readonly OperatorRow[] = [
  row({
    op: "Attention",
    since: 23,
    until: 23,
    unit: "systolic",
    constraints: FLOATS,
    inputs: [3, 6],
    outputs: [1, 4],
    attributes: ATTRIBUTES,
    parse: attention,
  }),
  row({
    op: "Attention",
    since: 24,
    unit: "systolic",
    constraints: FLOATS,
    inputs: [3, 7],
    outputs: [1, 4],
    attributes: ATTRIBUTES,
    parse: attention,
  }),
];
