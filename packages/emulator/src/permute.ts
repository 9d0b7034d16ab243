import { type Inst, NS } from "@accelc/isa";
import { setHalf } from "./dae.js";
import { readRow, vectorPad, writeRow } from "./operands.js";
import type { WordPad } from "./scratchpad.js";
import { clearPermute, type Machine, NS_NAMES, type PermuteSide, spend, trap } from "./state.js";

type PermuteConfig = Exclude<Extract<Inst["op"], `perm_${string}`>, "perm_start">;

const dimOf = (side: PermuteSide, dim: number): { count: number; stride: number } => {
  let found = side.dims.get(dim);
  if (found === undefined) {
    found = { count: 1, stride: 0 };
    side.dims.set(dim, found);
  }
  return found;
};

export function configurePermute(m: Machine, i: Inst<PermuteConfig>): void {
  const side = m.permute[i.side as 0 | 1];
  switch (i.op) {
    case "perm_set_base_addr":
      side.base = setHalf(side.base, 0, i.imm);
      break;
    case "perm_set_base_addr_high":
      side.base = setHalf(side.base, 1, i.imm);
      break;
    case "perm_set_loop_iter":
      dimOf(side, i.dim).count = i.count_minus_1 + 1;
      break;
    case "perm_set_loop_stride":
      dimOf(side, i.dim).stride = (i.imm << 16) >> 16;
      break;
    default:
      dimOf(side, i.dim).stride = setHalf(dimOf(side, i.dim).stride, 1, i.imm);
  }
}

/** Word addresses of a side one after another, the highest dim fastest. */
function walker(side: PermuteSide): { readonly count: number; readonly next: () => number } {
  const dims = [...side.dims].sort(([a], [b]) => a - b).map(([, d]) => d);
  const trips = new Array<number>(dims.length).fill(0);
  let at = side.base;
  const next = () => {
    const word = at;
    for (let d = dims.length - 1; d >= 0; d--) {
      trips[d] += 1;
      at += dims[d].stride;
      if (trips[d] < dims[d].count) break;
      at -= dims[d].count * dims[d].stride;
      trips[d] = 0;
    }
    return word;
  };
  return { count: dims.reduce((n, d) => n * d.count, 1), next };
}

/** Copies words one by one in nest order, then clears the configuration of both sides. */
export function startPermute(m: Machine, i: Inst<"perm_start">): void {
  const { lanes } = m;
  const op = i.op;
  const words = checkedWords(m, i);
  spend(m, Math.ceil(words / lanes));
  const src = vectorPad(m, i.src1_ns, op);
  const dst = vectorPad(m, i.dst_ns, op);
  if (!m.fast?.permute(m, i, src, dst, m.permute)) copyWords(m, i, src, dst);
  m.stats.permutedWords += words;
  clearPermute(m);
}

/** Words of either side of the permutation. */
export function checkedWords(m: Machine, i: Inst<"perm_start">): number {
  const [read, write] = [walker(m.permute[0]), walker(m.permute[1])];
  if (read.count !== write.count) {
    throw trap(m, "permute", { reason: `the read side has ${read.count} words, the write side ${write.count}` });
  }
  for (const ns of [i.src1_ns, i.dst_ns]) {
    if (ns === NS.IBUF || ns > NS.VMEM2) throw trap(m, "namespace", { what: i.op, name: NS_NAMES[ns] });
  }
  return read.count;
}

function copyWords(m: Machine, i: Inst<"perm_start">, src: WordPad, dst: WordPad): void {
  const { lanes } = m;
  const op = i.op;
  const read = walker(m.permute[0]);
  const write = walker(m.permute[1]);
  for (let n = 0; n < read.count; n++) {
    const from = read.next();
    const to = write.next();
    const fromRow = Math.floor(from / lanes);
    const toRow = Math.floor(to / lanes);
    const bank = from - fromRow * lanes;
    const toBank = to - toRow * lanes;
    if (i.shuffle === 0 && bank !== toBank) {
      throw trap(m, "permute", { reason: `word ${n} goes from bank ${bank} to bank ${toBank} without shuffle` });
    }
    const r = readRow(m, i.src1_ns, src, fromRow, op);
    const w = writeRow(m, i.dst_ns, dst, toRow, op);
    dst.cells[w * lanes + toBank] = src.cells[r * lanes + bank];
    dst.written[w] = 1;
  }
}
