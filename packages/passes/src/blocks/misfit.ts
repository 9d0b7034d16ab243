/** Why no tile of a block fits a machine, as arithmetic: what the smallest tile needs, what there is, what would do. */
import type { TileDim } from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { placeVector } from "./place.js";
import type { Space } from "./space.js";
import { fewestTaps, type Lack, overflow, steps, type Taps, tileDim, tileShape } from "./tile.js";
import type { VectorDraft } from "./vector-builder.js";

export interface Misfit {
  readonly arithmetic: string;
  readonly hint: string;
}

const sizeOf = (dims: readonly TileDim[]): string =>
  dims
    .filter((d) => d.extent > 1 || d.before.tile > 1)
    .map((d) => `${d.name} ${d.before.tile} of ${d.before.extent}`)
    .join(", ") || "one step";

/** A kernel or a number of channels that would fit, where WBUF is what a tile overflows. */
function smaller(g: GemmDraft, lacks: readonly Lack[], taps: Taps): readonly string[] {
  const wbuf = lacks.find((x) => x.field === "wbufBlocks");
  const columns = wbuf ? Math.floor((wbuf.has * g.kernel[1]) / steps(g, taps)) : 0;
  return wbuf && !g.pack && taps.kw === g.kernel[1] && columns >= 1 ? [`a kernel of ${columns} columns or fewer`] : [];
}

/** Of a block none of whose tilings fits. */
export function misfit(space: Space, g: GemmDraft | null, v: VectorDraft, machine: MachineDescription): Misfit {
  const { name, buffers, tandem } = machine;
  const smallest = space.dims.map((d) => tileDim(d, d.whole ? d.extent : Math.min(d.grain, d.extent)));
  const taps = g && fewestTaps(g);
  const lacks = g && taps ? overflow(g, smallest, taps, derive(machine)) : [];
  if (g && taps && lacks.length > 0) {
    const need = lacks.map((x) => `${x.needs} ${x.unit} of ${x.buffer}, half of which has ${x.has}`);
    const enough = lacks.map((x) => `buffers.${x.field} of ${2 * x.needs} or more (${name}: ${buffers[x.field]})`);
    return {
      arithmetic: `its smallest tile (${sizeOf(smallest)}) needs ${need.join("; ")}`,
      hint: `it fits a machine with ${[enough.join(" and "), ...smaller(g, lacks, taps)].join(", or ")}`,
    };
  }
  const placed = placeVector(v, tileShape(smallest), Number.MAX_SAFE_INTEGER, tandem.lanes);
  const rows = (["VMEM1", "VMEM2"] as const).map((ns) =>
    Math.max(0, ...placed!.buffers.flatMap((b) => (b.namespace === ns ? [b.row + b.rows] : []))),
  );
  const held = placed!.buffers.filter((b) => b.namespace !== "OBUF").map((b) => `${b.label} ${b.rows}`);
  return {
    arithmetic: `its smallest tile (${sizeOf(smallest)}) needs ${rows[0]} rows of VMEM1 and ${rows[1]} of VMEM2 (${held.join(", ")}), which have ${tandem.vmemRows} each`,
    hint: `it fits a machine with tandem.vmemRows of ${Math.max(...rows)} or more (${name}: ${tandem.vmemRows}), or choose a smaller window or reduced axis`,
  };
}
