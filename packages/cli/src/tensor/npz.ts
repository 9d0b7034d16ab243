import { unzipSync } from "fflate";
import { decodeNpy, type FileTensor } from "./npy.js";

export const isZip = (b: Uint8Array): boolean => b[0] === 0x50 && b[1] === 0x4b && (b[2] === 3 || b[2] === 5);

/** Arrays of a .npz archive by name, stored or deflated. Throws a plain Error with the reason. */
export function decodeNpz(b: Uint8Array): ReadonlyMap<string, FileTensor> {
  const out = new Map<string, FileTensor>();
  for (const [member, bytes] of Object.entries(unzip(b))) {
    try {
      out.set(member.slice(0, -4), decodeNpy(bytes));
    } catch (e) {
      throw new Error(`member ${member}: ${(e as Error).message}`);
    }
  }
  if (out.size === 0) throw new Error("the archive holds no .npy member");
  return out;
}

function unzip(b: Uint8Array): Record<string, Uint8Array> {
  try {
    return unzipSync(b, { filter: (f) => f.name.endsWith(".npy") });
  } catch (e) {
    throw new Error(`the archive cannot be read: ${(e as Error).message}`);
  }
}
