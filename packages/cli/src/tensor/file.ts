import { fail } from "@accelc/ir";
import { readBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { decodeNpy, type FileTensor, isNpy } from "./npy.js";

const bad = (file: string, reason: string): never =>
  fail("CL1003", {}, { file, reason }, "give a .npy, .npz or ONNX TensorProto .pb file");

async function decodeOne(name: string, file: string, bytes: Uint8Array): Promise<FileTensor> {
  if (isNpy(bytes)) return decodeNpy(bytes);
  const { decodeNpz, isZip } = await import("./npz.js");
  if (isZip(bytes)) return memberOf(decodeNpz(bytes), name);
  if (!file.endsWith(".pb")) throw new Error("it is neither .npy nor .npz, and its name does not end in .pb");
  const { decodeTensorFile } = await import("./pb.js");
  return decodeTensorFile(bytes);
}

/** The member called `name`, or the only one. */
function memberOf(members: ReadonlyMap<string, FileTensor>, name: string): FileTensor {
  const found = members.get(name) ?? (members.size === 1 ? [...members.values()][0] : undefined);
  if (!found) throw new Error(`the archive has no member ${name}; its members are ${[...members.keys()].join(", ")}`);
  return found;
}

/** The tensor `file` holds for the input `name`. CL1001 where it cannot be read, CL1003 where it is no tensor. */
export async function readTensorFile(io: Io, name: string, file: string): Promise<FileTensor> {
  const bytes = readBytes(pathIn(io, file), file);
  try {
    return await decodeOne(name, file, bytes);
  } catch (e) {
    return bad(file, (e as Error).message);
  }
}

export type NamedFile = readonly [name: string, file: string];

/** Tensors by input name; a name given twice is the caller's to refuse. */
export async function readTensorFiles(io: Io, files: readonly NamedFile[]): Promise<Map<string, FileTensor>> {
  const out = new Map<string, FileTensor>();
  for (const [name, file] of files) out.set(name, await readTensorFile(io, name, file));
  return out;
}

/** The name of the file a tensor is written to. */
export const fileNameOf = (tensor: string): string => `${tensor.replace(/[^A-Za-z0-9_.-]/g, "_")}.npy`;
