import { decodeModel, decodeTensor, type TensorProto } from "@accelc/frontend";
import type { DType } from "@accelc/ir";
import type { FileTensor } from "./npy.js";

/** Field number and wire type of ModelProto.graph and GraphProto.initializer, both length-delimited. */
const GRAPH = (7 << 3) | 2;
const INITIALIZER = (5 << 3) | 2;

function varint(n: number): number[] {
  const out: number[] = [];
  for (let rest = n; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) + 128);
  }
}

const field = (tag: number, bytes: Uint8Array): Uint8Array => {
  const head = [tag, ...varint(bytes.length)];
  const out = new Uint8Array(head.length + bytes.length);
  out.set(head);
  out.set(bytes, head.length);
  return out;
};

/** Element types that a graph holds as float32 but files keep. */
const KEPT: ReadonlySet<string> = new Set<DType>(["float16", "bfloat16"]);

/** Reads a serialized ONNX TensorProto, through a model that has it as its only initializer. Throws an Error with the reason. */
export function decodeTensorFile(bytes: Uint8Array): FileTensor {
  const proto = decodeModel(field(GRAPH, field(INITIALIZER, bytes))).graph?.initializer?.[0];
  if (!proto) throw new Error("it holds no tensor");
  if (proto.dataLocation === 1) throw new Error("its data are in another file");
  const tensor = decodeTensor(proto);
  if (typeof tensor === "string") throw new Error(tensor);
  const { name } = tensor.elementType;
  if (name === "float64") return { type: "float64", shape: tensor.shape, data: doubles(proto, tensor.data.length) };
  return { type: KEPT.has(name) ? (name as DType) : tensor.dtype, shape: tensor.shape, data: tensor.data };
}

function doubles(t: TensorProto, count: number): Float64Array {
  if (!t.rawData?.length) return Float64Array.from(t.doubleData ?? []);
  return new Float64Array(t.rawData.slice().buffer, 0, count);
}
