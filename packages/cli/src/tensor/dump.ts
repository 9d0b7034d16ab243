import { fail } from "@accelc/ir";
import type { DebugTensor } from "@accelc/isa";
import type { NewFile } from "../files.js";
import { tensorPaths } from "./output.js";

/** Of all tensors of one dump together, as stored integers of 32 or 64 bits. */
const MOST_BYTES = 2 ** 32;
/** What a file takes at least. */
const LEAST_FILE = 4096;

const bytesOf = ({ shape, bits }: DebugTensor): number =>
  Math.max(
    LEAST_FILE,
    shape.reduce((n, d) => n * d, bits === 64 ? 8 : 4),
  );

/** Files for the tensors of a binary's debug table. CL1006 where they are too large together; CL1002 as `tensorPaths`. */
export function dumpPaths(
  folder: string,
  shown: string,
  tensors: readonly DebugTensor[],
): ReadonlyMap<string, Omit<NewFile, "content">> {
  const bytes = tensors.reduce((sum, t) => sum + bytesOf(t), 0);
  if (!(bytes <= MOST_BYTES))
    fail(
      "CL1006",
      {},
      { option: "--dump-tensors", tensors: tensors.length, bytes, limit: MOST_BYTES },
      "compile the model in parts",
    );
  return tensorPaths(
    folder,
    shown,
    tensors.map((t) => t.name),
  );
}
