import { ELEMENT_TYPES } from "./element-types.js";
import {
  type AttributeProto,
  type FunctionProto,
  fromBigInt,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.js";

/** A dense tensor; bigints for int64 and uint64. float16, bfloat16 and smaller types take their codes. */
export interface NewTensor {
  readonly name?: string;
  /** ONNX element type, lower case ("float32" when absent). */
  readonly type?: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/** An attribute by its type in ONNX, as AttributeProto names the field. */
export type NewAttribute =
  | { readonly f: number }
  | { readonly i: number | bigint }
  | { readonly s: string }
  | { readonly t: NewTensor }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly strings: readonly string[] }
  | { readonly graph: GraphText }
  /** An attribute of the function around the node, with the number of its type in ONNX. */
  | { readonly ref: string; readonly type: number };

export interface NewNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
}

/** A graph input or output; a string extent is a dynamic dimension. Without a shape, the rank is unknown. */
export interface NewPort {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A graph inside a node. */
export interface GraphText {
  readonly name?: string;
  readonly inputs: readonly NewPort[];
  readonly outputs: readonly NewPort[];
  readonly initializers?: readonly (NewTensor & { readonly name: string })[];
  readonly nodes: readonly NewNode[];
}

/** A function that the model defines; its nodes refer to its attributes. */
export interface FunctionText {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly defaults?: Readonly<Record<string, NewAttribute>>;
  readonly opset?: number;
  readonly nodes: readonly NewNode[];
}

export interface ModelText {
  readonly name?: string;
  /** Opset of the ONNX domain (13 when absent). */
  readonly opset?: number;
  /** Opsets of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly irVersion?: number;
  readonly functions?: readonly FunctionText[];
  readonly inputs: readonly NewPort[];
  readonly outputs: readonly NewPort[];
  readonly initializers?: readonly (NewTensor & { readonly name: string })[];
  readonly nodes: readonly NewNode[];
}

const TYPE_CODES: ReadonlyMap<string, number> = new Map(
  Object.entries(ELEMENT_TYPES).map(([code, t]) => [t.name, Number(code)]),
);

function typeCode(name = "float32"): number {
  const code = TYPE_CODES.get(name);
  if (code === undefined) throw new RangeError(`unknown ONNX element type ${name}`);
  return code;
}

/** Little-endian bytes of the elements; 4- and 2-bit elements are packed, the first in the low bits. */
function rawData(t: NewTensor): Uint8Array {
  const { bits, name } = ELEMENT_TYPES[typeCode(t.type)]!;
  const bytes = new Uint8Array(Math.ceil((t.data.length * bits) / 8));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < t.data.length; i++) {
    const x = t.data[i]!;
    if (bits === 64 && name !== "float64") view.setBigInt64(8 * i, BigInt(x), true);
    else if (name === "float64") view.setFloat64(8 * i, Number(x), true);
    else if (name === "float32") view.setFloat32(4 * i, Number(x), true);
    else if (bits === 32) view.setInt32(4 * i, Number(x), true);
    else if (bits === 16) view.setInt16(2 * i, Number(x), true);
    else if (bits === 8) view.setInt8(i, Number(x));
    else bytes[Math.floor((i * bits) / 8)]! |= (Number(x) & (2 ** bits - 1)) << ((i * bits) % 8);
  }
  return bytes;
}

const tensorProto = (t: NewTensor): TensorProto => ({
  name: t.name ?? "",
  dims: [...t.shape],
  dataType: typeCode(t.type),
  rawData: rawData(t),
});

const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s);
const long = (x: number | bigint) => fromBigInt(BigInt(x));

function attributeProto(name: string, a: NewAttribute): AttributeProto {
  if ("f" in a) return { name, type: 1, f: a.f };
  if ("i" in a) return { name, type: 2, i: long(a.i) };
  if ("s" in a) return { name, type: 3, s: utf8(a.s) };
  if ("t" in a) return { name, type: 4, t: tensorProto(a.t) };
  if ("floats" in a) return { name, type: 6, floats: [...a.floats] };
  if ("graph" in a) return { name, type: 5, g: graphProto(a.graph) };
  if ("ref" in a) return { name, type: a.type, refAttrName: a.ref };
  if ("ints" in a) return { name, type: 7, ints: a.ints.map(long) };
  return { name, type: 8, strings: a.strings.map(utf8) };
}

const nodeProto = (n: NewNode): NodeProto => ({
  opType: n.op,
  input: [...n.inputs],
  output: [...n.outputs],
  name: n.name ?? "",
  domain: n.domain ?? "",
  attribute: Object.entries(n.attributes ?? {}).map(([name, a]) => attributeProto(name, a)),
});

const portProto = (p: NewPort): ValueInfoProto => ({
  name: p.name,
  type: {
    tensorType: {
      elemType: typeCode(p.type),
      ...(p.shape
        ? { shape: { dim: p.shape.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) } }
        : {}),
    },
  },
});

const graphProto = (g: GraphText): GraphProto => ({
  name: g.name ?? "graph",
  input: g.inputs.map(portProto),
  output: g.outputs.map(portProto),
  initializer: (g.initializers ?? []).map(tensorProto),
  node: g.nodes.map(nodeProto),
});

const functionProto = (f: FunctionText, opset: number): FunctionProto => ({
  name: f.name,
  domain: f.domain,
  input: [...f.inputs],
  output: [...f.outputs],
  attribute: [...(f.attributes ?? [])],
  attributeProto: Object.entries(f.defaults ?? {}).map(([name, a]) => attributeProto(name, a)),
  opsetImport: [{ domain: "", version: f.opset ?? opset }],
  node: f.nodes.map(nodeProto),
});

/** An ONNX model from plain data; `encodeModel` makes a file of it. Nothing is checked but element types. */
export function buildModel(m: ModelText): ModelProto {
  const opsets = [["", m.opset ?? 13] as const, ...Object.entries(m.domains ?? {})];
  return {
    irVersion: m.irVersion ?? 8,
    producerName: "accelc",
    opsetImport: opsets.map(([domain, version]) => ({ domain, version })),
    graph: graphProto(m),
    functions: (m.functions ?? []).map((f) => functionProto(f, m.opset ?? 13)),
  };
}
