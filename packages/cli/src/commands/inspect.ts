import { EXIT } from "../exit.js";
import { readBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";
import type { NamedShape } from "../options.js";

export interface InspectOptions {
  readonly json?: boolean;
  readonly inputShape?: readonly NamedShape[];
}

const isElf = (b: Uint8Array): boolean => b[0] === 0x7f && b[1] === 0x45 && b[2] === 0x4c && b[3] === 0x46;

export async function inspectCommand(io: Io, file: string, options: InspectOptions): Promise<number> {
  const bytes = readBytes(pathIn(io, file), file);
  const text = isElf(bytes)
    ? (await import("../inspect/elf.js")).inspectElf(file, bytes, options.json === true)
    : await (await import("../inspect/model.js")).inspectModel(io, file, bytes, options);
  io.stdout.write(text);
  return EXIT.done;
}
