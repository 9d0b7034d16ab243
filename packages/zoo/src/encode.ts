import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";

/** An initializer whose elements are made when the file is written; float32 or int64, little-endian. */
export interface LazyTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: "float32" | "int64" | "bool";
  readonly make: () => Float32Array | BigInt64Array | Uint8Array;
}

const TYPES = { float32: { code: 1, bytes: 4 }, int64: { code: 7, bytes: 8 }, bool: { code: 9, bytes: 1 } } as const;

const LENGTH_DELIMITED = 2;
/** Field numbers of ModelProto, GraphProto and TensorProto. */
const GRAPH = 7;
const INITIALIZER = 5;
const DIMS = 1;
const DATA_TYPE = 2;
const NAME = 8;
const RAW_DATA = 9;

function varint(n: number): number[] {
  const out: number[] = [];
  let rest = n;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return [...out, rest];
}

const header = (field: number, length: number): number[] => [
  ...varint(field * 8 + LENGTH_DELIMITED),
  ...varint(length),
];

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const rawBytes = (t: LazyTensor): number => elements(t.shape) * TYPES[t.type].bytes;

/** A TensorProto up to its raw data. */
function tensorHead(t: LazyTensor): Uint8Array {
  const name = new TextEncoder().encode(t.name);
  const dims = t.shape.flatMap((d) => [DIMS * 8, ...varint(d)]);
  const type = [DATA_TYPE * 8, TYPES[t.type].code];
  return Uint8Array.from([...dims, ...type, ...header(NAME, name.length), ...name, ...header(RAW_DATA, rawBytes(t))]);
}

/** Splits an encoded ModelProto into the bytes before its graph, the graph, and the bytes after it. */
function splitGraph(model: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  let at = 0;
  const read = (): number => {
    let [value, scale] = [0, 1];
    for (; ; scale *= 128) {
      const b = model[at++]!;
      value += (b & 127) * scale;
      if (b < 128) return value;
    }
  };
  while (at < model.length) {
    const start = at;
    const tag = read();
    if (tag % 8 !== LENGTH_DELIMITED) {
      read();
      continue;
    }
    const length = read();
    if (tag === GRAPH * 8 + LENGTH_DELIMITED)
      return [model.subarray(0, start), model.subarray(at, at + length), model.subarray(at + length)];
    at += length;
  }
  throw new RangeError("the model has no graph");
}

/**
 * The ONNX file of a model with further initializers. Each tensor is made, copied into the file and dropped, so that
 * memory holds the file and one tensor.
 */
export function encodeWithWeights(text: ModelText, tensors: readonly LazyTensor[]): Uint8Array {
  const [before, graph, after] = splitGraph(encodeModel(buildModel(text)));
  const parts = tensors.map((t) => {
    const head = tensorHead(t);
    return { t, head, outer: header(INITIALIZER, head.length + rawBytes(t)) };
  });
  const size = graph.length + parts.reduce((n, p) => n + p.outer.length + p.head.length + rawBytes(p.t), 0);
  const graphHead = header(GRAPH, size);
  const out = new Uint8Array(before.length + graphHead.length + size + after.length);
  let at = 0;
  const put = (bytes: ArrayLike<number>) => {
    out.set(bytes, at);
    at += bytes.length;
  };
  for (const bytes of [before, graphHead, graph]) put(bytes);
  for (const { t, head, outer } of parts) {
    put(outer);
    put(head);
    const data = t.make();
    put(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  put(after);
  return out;
}
