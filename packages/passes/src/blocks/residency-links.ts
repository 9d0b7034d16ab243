/** Which tensors could stay on chip: those that one block computes and the next block with a GEMM reads as its input. */
import type { Block, TensorId } from "@accelc/ir";
import { blockReads, blockWrites, type Draft, type TensorTable } from "./tensors.js";

/** A tensor that block `from` stores as its `store`th, and block `to`, the next with a GEMM, reads as its input. */
export interface Link {
  readonly from: number;
  readonly to: number;
  readonly store: number;
  readonly tensor: TensorId;
  /** Somebody else reads it, or it is an output: it is stored, too. */
  readonly shared: boolean;
}

/** The links of a program, by the block that reads; for other GEMMs, why theirs is no such input. */
export type Links = ReadonlyMap<number, Link | string>;

interface Uses {
  readonly readers: number[];
  readonly writers: number[];
}

function usesByStorage(blocks: readonly Draft<Block>[], table: TensorTable): ReadonlyMap<number, Uses> {
  const uses = new Map<number, Uses>();
  const at = (tensor: TensorId): Uses => {
    const { storage } = table.get(tensor);
    const known = uses.get(storage) ?? { readers: [], writers: [] };
    uses.set(storage, known);
    return known;
  };
  blocks.forEach((b, i) => {
    for (const t of blockReads(b)) at(t).readers.push(i);
    for (const t of blockWrites(b)) at(t).writers.push(i);
  });
  return uses;
}

export function findLinks(blocks: readonly Draft<Block>[], table: TensorTable, outputs: readonly TensorId[]): Links {
  const uses = usesByStorage(blocks, table);
  const kept = new Set(outputs.map((t) => table.get(t).storage));
  const links = new Map<number, Link | string>();
  let before = -1;
  blocks.forEach((b, to) => {
    if (b.kind !== "compute" || !b.gemm) return;
    const { input, operands, pack } = b.gemm;
    const { storage, offset, bits } = table.get(input.tensor);
    const { readers, writers } = uses.get(storage)!;
    const from = writers[0] ?? -1;
    const producer = blocks[from];
    const found = (): Link | string => {
      if (pack) return "packed from windows";
      if (bits !== 8 || operands.passes !== 1 || input.offset !== 0) return `codes of ${bits} bits`;
      if (producer === undefined) return "an input of the network";
      if (producer.kind !== "compute" || writers.length > 1) return "copied there";
      if (from < before || from > to) return "the array is used between";
      const store = producer.vector.stores.findIndex((s) => table.get(s.access.tensor).storage === storage);
      if (table.get(producer.vector.stores[store]!.access.tensor).offset !== offset) return "a part of what was stored";
      return { from, to, store, tensor: input.tensor, shared: kept.has(storage) || readers.length > 1 };
    };
    links.set(to, found());
    before = to;
  });
  return links;
}
