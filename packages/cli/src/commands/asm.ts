import { basename } from "node:path";
import { AccelcError } from "@accelc/ir";
import { AsmError, assembleObject } from "@accelc/isa";
import { EXIT } from "../exit.js";
import { checkDistinct, checkWritable, readText, writeBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";

export interface AsmOptions {
  readonly output?: string;
}

/** `dir/net.s` → `net.elf`: a result lands in the current folder unless told otherwise. */
export const elfNameOf = (file: string): string => `${basename(file).replace(/\.(onnx|s)$/, "")}.elf`;

function assemble(file: string, text: string): Uint8Array {
  try {
    return assembleObject(text);
  } catch (e) {
    if (!(e instanceof AsmError)) throw e;
    throw new AccelcError(
      e.diagnostics.map((d) => ({
        code: "CL1007",
        location: { model: `${file}:${d.line}` },
        message: d.message,
        hint: d.hint,
      })),
    );
  }
}

export async function asmCommand(io: Io, file: string, options: AsmOptions): Promise<number> {
  const shown = options.output ?? elfNameOf(file);
  const out = pathIn(io, shown);
  checkWritable(out, shown);
  checkDistinct(out, [pathIn(io, file)], shown);
  writeBytes(out, assemble(file, readText(pathIn(io, file), file)), shown);
  return EXIT.done;
}
