/** The permute engine: copies words between two walks of scratchpads. */
import { NS, SIDE } from "@accelc/isa";
import { type Emitter, high, low } from "./emit.js";

export interface WordWalk {
  readonly namespace: "OBUF" | "VMEM1" | "VMEM2";
  /** First word. */
  readonly base: number;
  /** Words per step of each loop. */
  readonly strides: readonly number[];
}

/** `extents` outermost first, the same loops on both sides. */
export function emitPermute(e: Emitter, extents: readonly number[], from: WordWalk, to: WordWalk): void {
  const keep = extents.flatMap((n, i) => (n > 1 ? [i] : []));
  const dims = keep.length > 0 ? keep : [0];
  for (const [side, walk] of [
    [SIDE.READ, from],
    [SIDE.WRITE, to],
  ] as const) {
    e.emit({ op: "perm_set_base_addr", side, imm: low(walk.base) });
    e.emit({ op: "perm_set_base_addr_high", side, imm: high(walk.base) });
    dims.forEach((i, dim) => {
      e.emit({ op: "perm_set_loop_iter", side, dim, count_minus_1: (extents[i] ?? 1) - 1 });
      e.emit({ op: "perm_set_loop_stride", side, dim, imm: low(walk.strides[i] ?? 0) });
      e.emit({ op: "perm_set_loop_stride_high", side, dim, imm: high(walk.strides[i] ?? 0) });
    });
  }
  e.emit({ op: "perm_start", dst_ns: NS[to.namespace], src1_ns: NS[from.namespace], shuffle: 1 });
}
