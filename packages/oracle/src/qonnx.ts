import {
  codeRange,
  decodeTensor,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  QONNX_DOMAINS,
  type TensorProto,
  toNumber,
} from "@accelc/frontend";

type OneOutput = (op: string, ...inputs: readonly string[]) => string;

/** Operators of ONNX from opset 9 on that take the place of one node. */
interface Expansion {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly add: OneOutput;
  number(x: number): string;
  /** Names the last result as the node's output. */
  finish(name: string, output: string): void;
}

const FLOAT = 1;
/** (v + c) − c in binary32 is v to the nearest integer, ties to even, for |v| up to 2^22. */
const TO_EVEN = 1.5 * 2 ** 23;

function expansionOf(node: NodeProto, at: number): Expansion {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const fresh = () => `${node.output?.[0]}/qonnx.${at}.${nodes.length + initializers.length}`;
  const emit = (op: string, inputs: readonly string[], output: string, attribute?: NodeProto["attribute"]) => {
    nodes.push({ opType: op, name: output, input: [...inputs], output: [output], ...(attribute ? { attribute } : {}) });
    return output;
  };
  return {
    nodes,
    initializers,
    add: (op, ...inputs) =>
      emit(op, inputs, fresh(), op === "Cast" ? [{ name: "to", type: 2, i: FLOAT } as never] : undefined),
    number(x) {
      const name = fresh();
      initializers.push({ name, dims: [], dataType: FLOAT, floatData: [x] });
      return name;
    },
    finish: (name, output) => void emit("Identity", [name], output),
  };
}

/** Least values and attributes of a QONNX node as its own definition has them. */
interface Reading {
  readonly text: (name: string, absent: string) => string;
  readonly flag: (name: string, absent: boolean) => boolean;
  /** The number in a constant input. */
  readonly scalar: (i: number) => number | undefined;
  readonly input: (i: number) => string;
  readonly inputs: number;
}

/** v rounded in one of QONNX's ways. */
function rounded(e: Expansion, v: string, mode: string): string {
  const signed = (op: string, shift: number): string => {
    const size = e.add("Abs", v);
    const moved = shift === 0 ? size : e.add("Add", size, e.number(shift));
    return e.add("Mul", e.add("Sign", v), e.add(op, moved));
  };
  switch (mode.toUpperCase()) {
    case "FLOOR":
      return e.add("Floor", v);
    case "CEIL":
      return e.add("Ceil", v);
    case "UP":
      return signed("Ceil", 0);
    case "DOWN":
      return signed("Floor", 0);
    case "HALF_UP":
      return signed("Floor", 0.5);
    case "HALF_DOWN":
      return signed("Ceil", -0.5);
    default: {
      const c = e.number(TO_EVEN);
      return e.add("Sub", e.add("Add", v, c), c);
    }
  }
}

const limited = (e: Expansion, v: string, [lo, hi]: readonly [number, number]): string =>
  e.add("Min", e.add("Max", v, e.number(lo)), e.number(hi));

/** 1 where v >= 0, else −1. */
const bipolar = (e: Expansion, v: string): string =>
  e.add("Add", e.add("Mul", e.add("Cast", e.add("Less", v, e.number(0))), e.number(-2)), e.number(1));

function quant(e: Expansion, r: Reading): string | undefined {
  const bits = r.scalar(3);
  if (bits === undefined) return undefined;
  const signed = r.flag("signed", true);
  const y = e.add("Add", e.add("Div", r.input(0), r.input(1)), r.input(2));
  const code =
    bits === 1 && signed
      ? bipolar(e, y)
      : rounded(e, limited(e, y, codeRange(signed, r.flag("narrow", false), bits)), r.text("rounding_mode", "ROUND"));
  return e.add("Mul", e.add("Sub", code, r.input(2)), r.input(1));
}

function trunc(e: Expansion, r: Reading): string | undefined {
  const wide = r.inputs === 7;
  const [from, to] = [r.scalar(3), r.scalar(wide ? 6 : 4)];
  const [fine, coarse] = [r.scalar(1), wide ? r.scalar(4) : undefined];
  if (from === undefined || to === undefined || (wide && (fine === undefined || coarse === undefined)))
    return undefined;
  const step = 2 ** (wide ? Math.round(Math.log2(coarse! / fine!)) : from - to);
  const codes = rounded(e, e.add("Add", e.add("Div", r.input(0), r.input(1)), r.input(2)), "ROUND");
  const steps = e.add("Div", codes, e.number(step));
  const cut = wide ? limited(e, steps, codeRange(r.flag("signed", true), r.flag("narrow", false), to)) : steps;
  const q = rounded(e, cut, r.text("rounding_mode", "FLOOR"));
  const zero = wide ? e.add("Div", r.input(2), e.number(step)) : r.input(2);
  return e.add("Mul", e.add("Sub", q, zero), r.input(wide ? 4 : 1));
}

const RULES: Readonly<Record<string, (e: Expansion, r: Reading) => string | undefined>> = {
  Quant: quant,
  IntQuant: quant,
  BipolarQuant: (e, r) => e.add("Mul", bipolar(e, r.input(0)), r.input(1)),
  Trunc: trunc,
};

function readingOf(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): Reading {
  const attribute = (name: string) => node.attribute?.find((a) => a.name === name);
  return {
    text: (name, absent) => {
      const s = attribute(name)?.s;
      return s?.length ? new TextDecoder().decode(s) : absent;
    },
    flag: (name, absent) => {
      const a = attribute(name);
      return a ? toNumber(a.i as never) !== 0 : absent;
    },
    scalar: (i) => {
      const t = constants.get(node.input?.[i] ?? "");
      const value = t && decodeTensor(t);
      return value && typeof value !== "string" && value.data.length === 1 ? Number(value.data[0]) : undefined;
    },
    input: (i) => node.input?.[i] ?? "",
    inputs: node.input?.length ?? 0,
  };
}

const isQonnx = (node: NodeProto): boolean =>
  (QONNX_DOMAINS as readonly string[]).includes(node.domain ?? "") && RULES[node.opType ?? ""] !== undefined;

/** Constants of a graph by name: initializers and Constant nodes. */
function constantsOf(graph: GraphProto): Map<string, TensorProto> {
  const out = new Map((graph.initializer ?? []).map((t) => [t.name ?? "", t]));
  for (const n of graph.node ?? []) {
    const value = n.opType === "Constant" ? n.attribute?.find((a) => a.name === "value")?.t : undefined;
    if (value) out.set(n.output?.[0] ?? "", value);
  }
  return out;
}

/**
 * Replaces the operators of QONNX, which ONNX Runtime does not have, by operators of ONNX that compute the same in binary32.
 * A node whose bit widths are no constants stays. True where something was replaced.
 */
export function expandQonnx(model: ModelProto): boolean {
  const { graph } = model;
  if (!graph?.node?.some(isQonnx)) return false;
  const constants = constantsOf(graph);
  const initializers: TensorProto[] = [];
  graph.node = graph.node.flatMap((node, at) => {
    const e = expansionOf(node, at);
    const y = isQonnx(node) ? RULES[node.opType!]!(e, readingOf(node, constants)) : undefined;
    if (y === undefined) return [node];
    e.finish(y, node.output![0]!);
    initializers.push(...e.initializers);
    return e.nodes;
  });
  graph.initializer = [...(graph.initializer ?? []), ...initializers];
  return true;
}
