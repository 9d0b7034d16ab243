import { AccelcError } from "@accelc/ir";
import { ElfError } from "@accelc/isa";

/** Runs `read` on the file; a file that is no program of this toolchain is CL1006. */
export function asElf<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (!(e instanceof ElfError)) throw e;
    throw new AccelcError([{ code: "CL1006", location: { model: file }, message: e.message, hint: e.hint }]);
  }
}
