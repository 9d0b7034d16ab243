import { elements, type ValueId } from "@accelc/ir";
import { choice, flag, maybeFloat, maybeFloats, maybeInt, maybeTexts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { binary, bools, concat, reshape, slice, transpose, where } from "./build.js";
import {
  ACTIVATIONS,
  type Activation,
  type Cell,
  gruStep,
  lstmStep,
  rnnStep,
  type State,
  type Step,
} from "./recurrent-step.js";
import { type OperatorRow, row } from "./row.js";

interface Kind {
  readonly gates: number;
  readonly activations: readonly string[];
  readonly step: Step;
  /** Has a cell state and peepholes. */
  readonly cell: boolean;
}

const KINDS = {
  RNN: { gates: 1, activations: ["Tanh"], step: rnnStep, cell: false },
  GRU: { gates: 3, activations: ["Sigmoid", "Tanh"], step: gruStep, cell: false },
  LSTM: { gates: 4, activations: ["Sigmoid", "Tanh", "Tanh"], step: lstmStep, cell: true },
} as const satisfies Readonly<Record<string, Kind>>;

const COMMON = {
  activation_alpha: maybeFloats,
  activation_beta: maybeFloats,
  activations: maybeTexts,
  clip: maybeFloat,
  direction: choice(["forward", "reverse", "bidirectional"]),
  hidden_size: maybeInt,
};
const EXTRA = { input_forget: flag(false), linear_before_reset: flag(false), layout: flag(false) };
type Attributes = Values<typeof COMMON> & Partial<Values<typeof EXTRA>>;

/** Steps that are written out at most. */
const MOST_STEPS = 4096;

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly directions: number;
  readonly hidden: number;
}

/** The functions of every direction, with the parameters each takes from the lists. */
function readActivations(n: NodeContext, a: Attributes, kind: Kind, directions: number): Activation[][] {
  const names = a.activations ?? Array.from({ length: directions }, () => kind.activations).flat();
  const count = kind.activations.length;
  if (names.length !== count * directions)
    n.badAttribute("activations", `[${names.join(",")}]`, `${count * directions} functions are needed`);
  const [alphas, betas] = [[...(a.activation_alpha ?? [])], [...(a.activation_beta ?? [])]];
  const all = names.map((name): Activation => {
    const known = ACTIVATIONS[name.toLowerCase()];
    if (!known) return n.badAttribute("activations", name, `it must be one of ${Object.keys(ACTIVATIONS).join(", ")}`);
    const alpha = known.alpha === undefined ? 0 : (alphas.shift() ?? known.alpha);
    const beta = known.beta === undefined ? 0 : (betas.shift() ?? known.beta);
    return (x) => known.build(n, x, Math.fround(alpha), Math.fround(beta));
  });
  return Array.from({ length: directions }, (_, d) => all.slice(d * count, (d + 1) * count));
}

/** Direction d of a tensor with directions on the first axis. */
const direction = (n: NodeContext, x: ValueId, d: number): ValueId =>
  reshape(n, slice(n, x, 0, d, 1), n.shape(x).slice(1));

/** Constant sequence lengths that end before the last step; undefined where all sequences are full. */
function readLengths(n: NodeContext, s: Sizes): number[] | undefined {
  if (!n.has(4)) return undefined;
  const lengths = n.intsInput(4);
  if (lengths.length !== s.batch || lengths.some((l) => l < 0 || l > s.steps))
    n.badInput(4, `[${lengths.join(",")}]`, `it must hold ${s.batch} lengths of at most ${s.steps}`);
  return lengths.every((l) => l === s.steps) ? undefined : lengths;
}

interface Direction {
  /** Hidden state after every step, in the order of the sequence: [steps, batch, hidden]. */
  readonly all: ValueId;
  readonly last: State;
}

/** x · Wᵀ + biases of all steps at once: [steps, batch, gates · hidden]. */
function inputProducts(n: NodeContext, x: ValueId, d: number, s: Sizes, apart: boolean, kind: Kind) {
  const width = kind.gates * s.hidden;
  const w = transpose(n, direction(n, n.input(1), d), [1, 0]);
  const both = n.has(3) ? direction(n, n.input(3), d) : undefined;
  const own = both === undefined ? undefined : slice(n, both, 0, 0, width);
  const recurrent = both === undefined ? undefined : slice(n, both, 0, width, width);
  const kept = (b: ValueId): ValueId => (apart ? resetBias(n, b, s.hidden) : b);
  const bias = own === undefined || recurrent === undefined ? undefined : binary(n, "add", own, kept(recurrent));
  const rows = reshape(n, x, [s.steps * s.batch, n.shape(x)[2]!]);
  const products = n.add("matmul", bias === undefined ? [rows, w] : [rows, w, bias], {});
  return { products: reshape(n, products, [s.steps, s.batch, width]), recurrent };
}

/** The recurrent bias without the part of a GRU's candidate, which linear_before_reset adds later. */
function resetBias(n: NodeContext, bias: ValueId, hidden: number): ValueId {
  return concat(n, [slice(n, bias, 0, 0, 2 * hidden), n.filled(0, [hidden])], 0);
}

function runDirection(
  n: NodeContext,
  x: ValueId,
  d: number,
  a: Attributes,
  s: Sizes,
  kind: Kind,
  activations: readonly Activation[],
): Direction {
  const apart = a.linear_before_reset ?? false;
  const { products, recurrent } = inputProducts(n, x, d, s, apart, kind);
  const given = (i: number): ValueId | undefined => {
    if (!n.has(i)) return undefined;
    const state = a.layout ? transpose(n, n.input(i), [1, 0, 2]) : n.input(i);
    return direction(n, state, d);
  };
  const cell: Cell = {
    hidden: s.hidden,
    weights: transpose(n, direction(n, n.input(2), d), [1, 0]),
    ...(recurrent === undefined ? {} : { recurrentBias: recurrent }),
    ...(kind.cell && n.has(7) ? { peepholes: direction(n, n.input(7), d) } : {}),
    activations,
    clip: a.clip,
    inputForget: a.input_forget ?? false,
    linearBeforeReset: apart,
  };
  const [h, c] = [given(5), kind.cell ? given(6) : undefined];
  let state: State = { ...(h === undefined ? {} : { h }), ...(c === undefined ? {} : { c }) };
  const lengths = readLengths(n, s);
  const backwards = a.direction === "reverse" || d === 1;
  const outputs = new Array<ValueId>(s.steps);
  for (let i = 0; i < s.steps; i++) {
    const t = backwards ? s.steps - 1 - i : i;
    const input = reshape(n, slice(n, products, 0, t, 1), [s.batch, kind.gates * s.hidden]);
    const next = kind.step(n, cell, input, state);
    const runs = lengths?.map((l) => t < l);
    const zero = () => n.filled(0, [s.batch, s.hidden]);
    const held = (fresh: ValueId | undefined, old: ValueId | undefined): ValueId | undefined =>
      fresh === undefined || !runs ? fresh : where(n, bools(n, runs, [s.batch, 1]), fresh, old ?? zero());
    const [nextH, nextC] = [held(next.h, state.h), held(next.c, state.c)];
    state = { ...(nextH === undefined ? {} : { h: nextH }), ...(nextC === undefined ? {} : { c: nextC }) };
    const shown = runs ? where(n, bools(n, runs, [s.batch, 1]), next.h!, n.scalar(0)) : next.h!;
    outputs[t] = reshape(n, shown, [1, s.batch, s.hidden]);
  }
  return { all: concat(n, outputs, 0), last: state };
}

function readSizes(n: NodeContext, x: ValueId, a: Attributes, kind: Kind): Sizes {
  const directions = a.direction === "bidirectional" ? 2 : 1;
  const [steps, batch, width] = n.shape(x) as [number, number, number];
  const shape = n.shape(n.input(2));
  const hidden = a.hidden_size ?? shape.at(-1)!;
  const want = (i: number, s: readonly number[]): void => {
    if (n.has(i) && n.shape(n.input(i)).join() !== s.join())
      n.badInput(i, `of shape [${n.shape(n.input(i)).join(",")}]`, `it must have the shape [${s.join(",")}]`);
  };
  want(1, [directions, kind.gates * hidden, width]);
  want(2, [directions, kind.gates * hidden, hidden]);
  want(3, [directions, 2 * kind.gates * hidden]);
  const state = a.layout ? [batch, directions, hidden] : [directions, batch, hidden];
  want(5, state);
  if (kind.cell) {
    want(6, state);
    want(7, [directions, 3 * hidden]);
  }
  if (steps < 1 || steps > MOST_STEPS) n.noValue(`the sequence has ${steps} steps; 1 to ${MOST_STEPS} are supported`);
  return { steps, batch, directions, hidden };
}

/** Unrolled over the static length. */
function recurrent(n: NodeContext, a: Attributes, kind: Kind): void {
  const given = n.input(0);
  if (n.shape(given).length !== 3 || elements(n.shape(given)) === 0)
    n.badInput(0, `of shape [${n.shape(given).join(",")}]`, "it must hold a sequence of batches of features");
  const x = a.layout ? transpose(n, given, [1, 0, 2]) : given;
  const s = readSizes(n, x, a, kind);
  const activations = readActivations(n, a, kind, s.directions);
  const runs = activations.map((list, d) => runDirection(n, x, d, a, s, kind, list));
  const front = (id: ValueId): ValueId => reshape(n, id, [1, ...n.shape(id)]);
  if (n.outputRead(0)) {
    const stacked = concat(
      n,
      runs.map((r) => reshape(n, r.all, [s.steps, 1, s.batch, s.hidden])),
      1,
    );
    n.finish(a.layout ? transpose(n, stacked, [2, 0, 1, 3]) : stacked, 0);
  }
  const lasts = (state: (r: Direction) => ValueId, output: number): void => {
    if (!n.outputRead(output)) return;
    const all = concat(
      n,
      runs.map((r) => front(state(r))),
      0,
    );
    n.finish(a.layout ? transpose(n, all, [1, 0, 2]) : all, output);
  };
  lasts((r) => r.last.h!, 1);
  if (kind.cell) lasts((r) => r.last.c!, 2);
}

const CONSTRAINTS = `float tensors; at most ${MOST_STEPS} steps, sequence_lens constant`;
const LAYOUT = { layout: EXTRA.layout };

const rows = (
  op: keyof typeof KINDS,
  more: Partial<Pick<typeof EXTRA, "input_forget" | "linear_before_reset">>,
): readonly OperatorRow[] => {
  const common = {
    op,
    unit: "systolic",
    constraints: CONSTRAINTS,
    inputs: [3, KINDS[op].cell ? 8 : 6],
    outputs: [1, KINDS[op].cell ? 3 : 2],
  } as const;
  const kind = KINDS[op];
  return [
    row({
      ...common,
      since: 7,
      until: 13,
      attributes: { ...COMMON, ...more },
      parse: (n, a) => recurrent(n, a as Attributes, kind),
    }),
    row({
      ...common,
      since: 14,
      attributes: { ...COMMON, ...more, ...LAYOUT },
      parse: (n, a) => recurrent(n, a as Attributes, kind),
    }),
  ];
};

export const RECURRENT: readonly OperatorRow[] = [
  ...rows("LSTM", { input_forget: EXTRA.input_forget }),
  ...rows("GRU", { linear_before_reset: EXTRA.linear_before_reset }),
  ...rows("RNN", {}),
];
