import type { BlockProgram, DramTensor, Storage } from "@accelc/ir";

export const tensorOf = (p: BlockProgram, id: number): DramTensor => {
  const t = p.tensors.find((x) => x.id === id);
  if (!t) throw new Error(`no tensor ${id}`);
  return t;
};

export const storageOf = (p: BlockProgram, t: DramTensor): Storage => {
  const s = p.storages.find((x) => x.id === t.storage);
  if (!s) throw new Error(`no storage ${t.storage}`);
  return s;
};

/** DRAM byte address of a tensor's first element. */
export function tensorAddress(p: BlockProgram, id: number): number {
  const t = tensorOf(p, id);
  return storageOf(p, t).address + (t.offset * t.bits) / 8;
}
