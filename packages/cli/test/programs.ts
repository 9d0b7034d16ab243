import { type AccelObject, encode, FORMAT_VERSION, type Inst, type TensorPlace, UNIT, writeElf } from "@accelc/isa";
import { machineHash, machinePreset } from "@accelc/machine";

const place = (name: string): TensorPlace => ({
  name,
  elementType: "float32",
  shape: [1, 4],
  address: 4096,
  bits: 8,
  scale: 0.5,
  zeroPoint: -1,
  bytes: 4,
  layout: [{ axis: 1, div: 1, extent: 4, stride: 1 }],
});

const words = (...insts: readonly Inst[]): Uint32Array => Uint32Array.from(insts, encode);

/** A program for `machine` that does nothing: its input and its output are the same four bytes, real = (q + 1) / 2. */
export function identityObject(machine = "tandem-32x32", model = "identity"): AccelObject {
  const output = "y/out:0";
  const text = words(
    { op: "sync_start", unit: UNIT.SIMD, buf: 0, group: 0, count: 1 },
    { op: "sync_end", unit: UNIT.SIMD, buf: 0, group: 0 },
    { op: "block_end", last: 1 },
  );
  return {
    formatVersion: FORMAT_VERSION,
    machineName: machine,
    machineHash: machineHash(machinePreset(machine)),
    text,
    symbols: [{ name: "block0", start: 0, words: text.length }],
    rodata: new Uint8Array(0),
    rodataAddress: 0,
    bssAddress: 4096,
    bssSize: 64,
    io: { inputs: [place("x")], outputs: [place(output)] },
    debug: {
      model,
      nodes: [{ id: 0, name: "copy", op: "Identity" }],
      blocks: [{ id: 0, name: "block0", unit: "tandem", start: 0, words: text.length, nodes: [0] }],
      ranges: [{ start: 0, words: text.length, node: 0 }],
      tensors: [{ ...place(output), block: 0, node: 0 }],
    },
  };
}

export const identityElf = (machine?: string, model?: string): Uint8Array => writeElf(identityObject(machine, model));
