import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeModel, decodeTensorProto, type GraphProto, type ModelProto, type TensorProto } from "@accelc/frontend";
import type { FileTensor } from "../tensor/npy.js";
import { decodeTensorFile } from "../tensor/pb.js";

/** One file of a data set: its tensor, or why it is none. */
export type VectorTensor = FileTensor | string;

export interface DataSet {
  readonly inputs: ReadonlyMap<string, VectorTensor>;
  readonly outputs: ReadonlyMap<string, VectorTensor>;
  /** The inputs as ONNX has them, to be made initializers. */
  readonly protos: ReadonlyMap<string, TensorProto>;
}

/** A folder with `model.onnx` and `test_data_set_*`. */
export interface Vector {
  readonly name: string;
  readonly proto: ModelProto;
  readonly sets: readonly DataSet[];
}

const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(file));

function tensorOf(bytes: Uint8Array): VectorTensor {
  try {
    return decodeTensorFile(bytes);
  } catch (e) {
    return (e as Error).message;
  }
}

const namesOf = (ports: GraphProto["input"]): string[] => (ports ?? []).map((p) => p.name ?? "");

function readSet(folder: string, graph: GraphProto): DataSet {
  const read = (kind: string, names: readonly string[]) =>
    names.flatMap((name, i) => {
      const file = join(folder, `${kind}_${i}.pb`);
      return existsSync(file) ? [[name, bytesOf(file)] as const] : [];
    });
  const inputs = read("input", namesOf(graph.input));
  const protos = inputs.flatMap(([name, bytes]) => {
    const proto = decodeTensorProto(bytes);
    return typeof proto === "string" ? [] : [[name, { ...proto, name }] as const];
  });
  return {
    inputs: new Map(inputs.map(([name, b]) => [name, tensorOf(b)])),
    outputs: new Map(read("output", namesOf(graph.output)).map(([name, b]) => [name, tensorOf(b)])),
    protos: new Map(protos),
  };
}

/** Folders of node vectors in `dir`, by name; `dir` itself where it is one. */
export function vectorFolders(dir: string): string[] {
  if (existsSync(join(dir, "model.onnx"))) return [dir];
  return readdirSync(dir)
    .sort()
    .map((name) => join(dir, name))
    .filter((folder) => existsSync(join(folder, "model.onnx")));
}

/** Throws AccelcError FE2001 where the model is none. */
export function readVector(folder: string, name: string): Vector {
  const proto = decodeModel(bytesOf(join(folder, "model.onnx")), name);
  const sets = readdirSync(folder)
    .filter((d) => d.startsWith("test_data_set_"))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .map((d) => readSet(join(folder, d), proto.graph ?? {}));
  return { name, proto, sets };
}
