import { join } from "node:path";
import { fail } from "@accelc/ir";
import type { NewFile } from "../files.js";
import { fileNameOf } from "./file.js";
import { encodeNpy, type FileTensor } from "./npy.js";

/** Each tensor as <folder>/<name>.npy. CL1002 where two names become one file name. */
export function tensorFiles(
  folder: string,
  shown: string,
  tensors: Iterable<readonly [name: string, tensor: FileTensor]>,
): NewFile[] {
  const files = new Map<string, string>();
  return [...tensors].map(([name, tensor]) => {
    const file = fileNameOf(name);
    const other = files.get(file);
    if (other !== undefined)
      fail(
        "CL1002",
        {},
        { file: join(shown, file), reason: `tensors ${other} and ${name} would both be written there` },
        "rename one of them in the model",
      );
    files.set(file, name);
    return { path: join(folder, file), shown: join(shown, file), content: encodeNpy(tensor) };
  });
}
