import { join } from "node:path";
import { fail } from "@accelc/ir";
import type { NewFile } from "../files.js";
import { fileNameOf } from "./file.js";
import { encodeNpy, type FileTensor } from "./npy.js";

/** Where each tensor goes: <folder>/<name>.npy. CL1002 where two names become one file name. */
export function tensorPaths(
  folder: string,
  shown: string,
  names: Iterable<string>,
): Map<string, Omit<NewFile, "content">> {
  const files = new Map<string, string>();
  const paths = new Map<string, Omit<NewFile, "content">>();
  for (const name of names) {
    const file = fileNameOf(name);
    const other = files.get(file);
    if (other !== undefined && other !== name)
      fail(
        "CL1002",
        {},
        { file: join(shown, file), reason: `tensors ${other} and ${name} would both be written there` },
        "rename one of them in the model",
      );
    files.set(file, name);
    paths.set(name, { path: join(folder, file), shown: join(shown, file) });
  }
  return paths;
}

/** Each tensor as <folder>/<name>.npy. CL1002 as `tensorPaths`. */
export function tensorFiles(
  folder: string,
  shown: string,
  tensors: readonly (readonly [name: string, tensor: FileTensor])[],
): NewFile[] {
  const paths = tensorPaths(
    folder,
    shown,
    tensors.map(([name]) => name),
  );
  return tensors.map(([name, tensor]) => ({ ...paths.get(name)!, content: encodeNpy(tensor) }));
}
