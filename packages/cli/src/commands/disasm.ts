import { disassembleObject } from "@accelc/isa";
import { EXIT } from "../exit.js";
import { checkDistinct, checkWritable, readBytes, writeBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { asElf } from "../program-file.js";

export interface DisasmOptions {
  readonly output?: string;
}

export async function disasmCommand(io: Io, file: string, options: DisasmOptions): Promise<number> {
  const out = options.output === undefined ? undefined : pathIn(io, options.output);
  if (out !== undefined) {
    checkWritable(out, options.output);
    checkDistinct(out, [pathIn(io, file)], options.output);
  }
  const text = asElf(file, () => disassembleObject(readBytes(pathIn(io, file), file)));
  if (out === undefined) io.stdout.write(text);
  else writeBytes(out, text, options.output);
  return EXIT.done;
}
