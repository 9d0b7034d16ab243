import { diag, failOn, type Loc } from "@accelc/ir";
import Long from "long";
import onnxProto, { type onnx } from "onnx-proto";
import protobuf from "protobufjs/minimal.js";

export type ModelProto = onnx.IModelProto;
export type GraphProto = onnx.IGraphProto;
/** With the default values of attributes, which the decoder's own schema is too old to know. */
export type FunctionProto = onnx.IFunctionProto & { attributeProto?: onnx.IAttributeProto[] };
export type NodeProto = onnx.INodeProto;
export type AttributeProto = onnx.IAttributeProto;
export type TensorProto = onnx.ITensorProto;
export type ValueInfoProto = onnx.IValueInfoProto;

// Without a Long class protobufjs would read int64 as rounded numbers.
if (!protobuf.util.Long) {
  protobuf.util.Long = Long;
  protobuf.configure();
}

/** An int64 as protobufjs reads it, or a plain number where a model was built by hand. */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned?: boolean };

export function toBigInt(x: Int64 | null | undefined): bigint {
  if (x === null || x === undefined) return 0n;
  if (typeof x === "number") return BigInt(Math.trunc(x));
  const bits = (BigInt(x.high >>> 0) << 32n) | BigInt(x.low >>> 0);
  return x.unsigned ? bits : BigInt.asIntN(64, bits);
}

/** The integer as a number; beyond ±(2^53 - 1), which stands for "as far as possible" in ONNX, the nearest such. */
export function toNumber(x: Int64 | null | undefined): number {
  const wide = toBigInt(x);
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(wide > limit ? limit : wide < -limit ? -limit : wide);
}

export const fromBigInt = (x: bigint): Long => Long.fromString(BigInt.asIntN(64, x).toString());

/** Gives every field of bytes memory of its own: aligned for typed arrays, and the file can go when it is decoded. */
class OwningReader extends protobuf.Reader {
  override bytes(): Uint8Array {
    return super.bytes().slice();
  }
}

/** Decodes an ONNX file. Whatever is wrong with the bytes is FE2001. Nothing refers to `bytes` afterwards. */
export function decodeModel(bytes: Uint8Array, modelName = ""): ModelProto {
  const at: Partial<Loc> = modelName === "" ? {} : { model: modelName };
  const problem = (reason: string) =>
    failOn([diag("FE2001", at, { reason }, "check that the file is complete and was written by an ONNX exporter")]);
  if (bytes.length === 0) problem("it is empty");
  // A plain view: protobufjs treats Node's Buffer differently.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const model = onnxProto.onnx.ModelProto.decode(new OwningReader(plain));
    addFunctionDefaults(plain, model.functions);
    return model;
  } catch (e) {
    problem(decodeReason(e));
    throw e;
  }
}

/** Field numbers of ModelProto.functions and FunctionProto.attribute_proto. */
const FUNCTIONS = 25;
const ATTRIBUTE_PROTO = 11;

/** The contents of every length-delimited field `field` of a message. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new OwningReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field && (tag & 7) === 2) found.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return found;
}

function addFunctionDefaults(model: Uint8Array, functions: readonly FunctionProto[]): void {
  if (functions.length === 0) return;
  fieldsOf(model, FUNCTIONS).forEach((bytes, i) => {
    const { AttributeProto } = onnxProto.onnx;
    functions[i]!.attributeProto = fieldsOf(bytes, ATTRIBUTE_PROTO).map((a) => AttributeProto.decode(a));
  });
}

/** Decodes a file that holds one TensorProto (`.pb`), or says what is wrong with it. */
export function decodeTensorProto(bytes: Uint8Array): TensorProto | string {
  try {
    return onnxProto.onnx.TensorProto.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (e) {
    return decodeReason(e);
  }
}

function decodeReason(e: unknown): string {
  const text = e instanceof Error ? e.message : String(e);
  if (/call stack/i.test(text)) return "messages are nested too deeply";
  if (/index out of range/i.test(text)) return "it ends in the middle of a message";
  return text;
}

/** The model as bytes of an ONNX file: a plain array, where protobufjs gives a Buffer of Node's pool. */
export const encodeModel = (model: ModelProto): Uint8Array =>
  new Uint8Array(onnxProto.onnx.ModelProto.encode(model).finish());
