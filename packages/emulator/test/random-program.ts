import { FORMAT, type Inst, NS, OPS } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import {
  BSS,
  bind,
  blocks,
  dae,
  endBuf,
  imm,
  level,
  nest,
  pad,
  type Ref,
  RODATA,
  saBase,
  saLd,
  saLoop,
  saReduction,
  saSt,
  saStride,
  simd,
  systolic,
  vec,
  type Words,
} from "./build.js";

type Random = (low: number, high: number) => number;
type Space = Ref[0];
type VectorName = Parameters<typeof vec>[0];

const SPECIAL: readonly VectorName[] = ["sigmoid", "tanh", "exp", "ln", "sqrt", "inv_sqrt", "log2"];
const VECTORS = OPS.filter((op) =>
  /^(add|sub|mul|macc|div|max|min|[rl]shift|move|cond_|not|and|or|nop|relu|leaky|abs|sign|equal|neq|gte?|lte?|cast_|floor|ceil)/.test(
    op,
  ),
) as readonly VectorName[];
const OFTEN: readonly VectorName[] = ["mul", "mul", "macc", "leaky_relu", "abs", "div", "cast_fxp32_fxp8"];
const FLOATS = /fp32_fp16|fp16_fp32|bf16/;

const pick = <T>(r: Random, list: readonly T[]): T => list[r(0, list.length - 1)];
const chance = (r: Random, percent: number): boolean => r(1, 100) <= percent;

/** How the program goes wrong: 0 never on purpose. */
interface Shape {
  readonly r: Random;
  readonly machine: MachineDescription;
  readonly wild: number;
  readonly fused: boolean;
  readonly tiles: number;
  /** Its SIMD region writes the next block's input. */
  readonly passes: boolean;
  /** Its systolic region reads what IBUF holds. */
  readonly resident: boolean;
}

const ITERATORS = 6;
const SLOTS = 6;

/** An iterator set by one word or by halves, as its values allow. */
function register(r: Random, space: Space, ix: number, base: number, stride: number): Words {
  const part = (what: "base" | "stride", value: number): Words => {
    const at = { ns: NS[space], ix };
    const kind = r(0, 9);
    if (kind === 0 && value >= 0) return [{ op: `iter_${what}_zerofill`, ...at, imm: value }];
    if (kind > 1) return [{ op: `iter_${what}_signext`, ...at, imm: value & 0xffff }];
    return [
      { op: `iter_${what}_low`, ...at, imm: value & 0xffff },
      { op: `iter_${what}_high`, ...at, imm: (value >> 16) & 0xffff },
    ];
  };
  return [...part("base", base), ...part("stride", stride)];
}

function iterators({ r, machine, wild }: Shape, space: Space): Words {
  const rows = space === "IBUF" ? 24 : Math.min(48, machine.tandem.vmemRows / 2);
  return Array.from({ length: ITERATORS }, (_, ix) => {
    const base = chance(r, wild) ? r(-4, 600) : r(4, rows);
    return register(r, space, ix, base, pick(r, [0, 1, 1, 1, 2, 3, 4, 8, -1]));
  }).flat();
}

/** Slots that hold shifts. */
const SHIFTS = 3;

const shiftSlot = (r: Random, slot: number, value: number): Words =>
  chance(r, 20) ? [{ op: "imm_signext", slot, imm: value & 0xffff }] : imm(slot, value);

function slots({ r, wild }: Shape): Words {
  return Array.from({ length: SLOTS }, (_, slot) =>
    slot < SHIFTS
      ? shiftSlot(r, slot, chance(r, wild) ? r(-4, 40) : r(0, 31))
      : imm(slot, pick(r, [0, 1, 31, 32, r(-200, 200), r(-0x80000000, 0x7fffffff), -0x80000000])),
  ).flat();
}

function operand({ r, fused, passes }: Shape, avoid: Space | undefined, dst: boolean): Ref {
  const spaces: Space[] = dst
    ? ["VMEM1", "VMEM2", "VMEM1", "VMEM2", fused ? "OBUF" : "IBUF", passes ? "IBUF" : "VMEM1"]
    : ["VMEM1", "VMEM2", "VMEM1", "VMEM2", "IMM", ...(fused ? (["OBUF"] as const) : [])];
  return [
    pick(
      r,
      spaces.filter((s) => s !== avoid),
    ),
    0,
  ];
}

interface Chosen {
  readonly op: VectorName;
  readonly refs: readonly [Ref, Ref, Ref];
}

function instruction(s: Shape): Chosen {
  const { r, wild, machine } = s;
  const known = chance(r, 80) ? VECTORS.filter((op) => !FLOATS.test(op)) : VECTORS;
  const special = chance(r, machine.tandem.specialFunctions ? 20 : wild / 4);
  const op = pick(r, special ? SPECIAL : chance(r, 30) ? OFTEN : known);
  const careful = !chance(r, wild);
  const dst = operand(s, undefined, true);
  const shift = op.startsWith("cast_") || op === "floor" || op === "ceil";
  const src1 = operand(s, shift && careful ? "IMM" : undefined, false);
  const src2 = shift && careful ? (["IMM", 0] as const) : operand(s, careful ? src1[0] : undefined, false);
  return { op, refs: [dst, src1, src2] };
}

const indexed = (r: Random, [space]: Ref): Ref => [
  space,
  r(0, space !== "IMM" ? ITERATORS - 1 : chance(r, 70) ? SHIFTS - 1 : SLOTS - 1),
];

function nestOf(s: Shape): Words {
  const { r, wild } = s;
  const body = Array.from({ length: r(1, 4) }, () => instruction(s));
  const depth = r(1, 3);
  const counts = Array.from({ length: depth }, () => (chance(r, wild) && chance(r, 10) ? 0 : r(1, depth > 2 ? 4 : 6)));
  const levels = counts.map((count, l) =>
    level(l, count, ...body.map(({ refs: [d, a, b] }) => bind(indexed(r, d), indexed(r, a), indexed(r, b)))),
  );
  // The body often reuses one iterator of a namespace, so that rows meet.
  return [...levels.flat(), ...nest(depth, body.length), ...body.flatMap(({ op, refs }) => vec(op, ...refs))];
}

function single(s: Shape): Words {
  const { op, refs } = instruction(s);
  const [d, a, b] = refs.map((ref) => indexed(s.r, ref));
  return vec(op, d, a, b);
}

const strided = (r: Random, wild: number, step: number): number =>
  chance(r, wild) ? r(-2000, 2000) : step * pick(r, [1, 1, 2, 3, 0]);

function transfer(s: Shape, store: boolean, space: Space = pick(s.r, ["VMEM1", "VMEM2"])): Words {
  const { r, machine, wild, tiles } = s;
  const bits = pick(r, [8, 8, 16, 32, 32, chance(r, store ? 60 : 20) ? pick(r, [2, 4]) : 8]);
  const bytes = chance(r, 70) ? (machine.tandem.lanes * bits * r(1, 4)) / 8 : Math.ceil((bits * r(1, 40)) / 8);
  const loops = Array.from({ length: r(0, 2) }, (_, l) => [3 + l, r(1, 4), strided(r, wild, bytes)] as const);
  const count = chance(r, wild) ? r(1, 3) : tiles;
  const base = chance(r, 60) ? [[0, count, strided(r, wild, bytes * 4)] as const] : [];
  const target = NS[space] + (store ? 4 : 0);
  const bounds = chance(r, 40)
    ? pad(
        target,
        [
          pick(r, [[31], [3], [31, 0], [3, 0]] as const),
          ...(chance(r, 20) ? ([pick(r, [[4], [31]] as const)] as const) : []),
        ],
        chance(r, 30) ? r(-3, -1) : r(-1, 3) & 0xffff,
        chance(r, 15) ? 0x10000 + r(0, 9) : r(1, 6),
        r(-300, 300),
      )
    : [];
  const address =
    (store ? BSS + 0x4000 : pick(r, [RODATA, BSS, BSS])) + (chance(r, wild) ? r(-3000, 5000) : r(0, 64) * 4);
  const indexed: Words =
    !store && loops.length > 0 && chance(r, 30)
      ? [
          { op: "ld_index", ns: NS[space], loop: pick(r, [3, 3, chance(r, wild) ? 9 : 3]), imm: r(0, 60) },
          { op: "ld_index_count", ns: NS[space], imm: pick(r, [128, 200, 120, r(0, 128)]) },
          ...(chance(r, 20) ? ([{ op: "ld_index_count_hi", ns: NS[space], imm: pick(r, [0, 0, 1]) }] as const) : []),
        ]
      : [];
  const spec = {
    address,
    row: r(0, chance(r, wild) ? 600 : 60),
    bits,
    bytes,
    base,
    tile: loops,
    pad: [...bounds, ...indexed],
  };
  return dae(store ? "st" : "ld", space, spec);
}

function permutation({ r, machine, wild, fused }: Shape): Words {
  const { lanes } = machine.tandem;
  const extents = Array.from({ length: r(1, 3) }, () => r(1, 6));
  const split = chance(r, wild) ? [r(1, 30)] : extents;
  const side = (which: number, dims: readonly number[]): Words => [
    { op: "perm_set_base_addr", side: which, imm: r(0, 60) * lanes + (chance(r, 30) ? r(0, lanes - 1) : 0) },
    ...(chance(r, 10) ? ([{ op: "perm_set_base_addr_high", side: which, imm: 0 }] as const) : []),
    ...dims.flatMap((count, dim): Words => {
      const stride = pick(r, [1, 1, lanes, lanes, 2 * lanes, 5, 0, lanes * 4, chance(r, wild) ? -lanes : 1, 6 * lanes]);
      const high = { op: "perm_set_loop_stride_high", side: which, dim, imm: (stride >> 16) & 0xffff } as const;
      return [
        { op: "perm_set_loop_iter", side: which, dim, count_minus_1: count - 1 },
        { op: "perm_set_loop_stride", side: which, dim, imm: stride & 0xffff },
        ...(chance(r, 10) ? [high] : []),
      ];
    }),
  ];
  const space = () => NS[pick(r, ["VMEM1", "VMEM2", ...(fused ? (["OBUF"] as const) : [])] as const)];
  return [
    ...side(0, split),
    ...side(1, chance(r, 50) ? extents : [...extents].reverse()),
    { op: "perm_start", dst_ns: space(), src1_ns: space(), shuffle: chance(r, 85) ? 1 : 0 },
  ];
}

const datatype = (r: Random, wild: number): Words => [
  {
    op: pick(r, [
      "config_fxp32",
      "config_fxp32",
      "config_fxp16",
      "config_fxp8",
      chance(r, 4 + wild) ? pick(r, ["config_fp32", "config_fp16"] as const) : "config_fxp32",
    ] as const),
    dst_bits: r(0, 31),
    src1_bits: r(0, 31),
    src2_bits: r(0, 31),
  },
];

const window = (r: Random): Words => {
  const ns = NS[pick(r, ["VMEM1", "VMEM2"] as const)];
  return [
    { op: "window_base", ns, imm: r(0, 40) },
    { op: "window_rows", ns, imm: pick(r, [0, 8, 32, 64]) },
  ];
};

/** Opens the next block's input, which tiles then fill row by row. */
const nextInput = ({ r, wild, tiles }: Shape): Words =>
  dae("st", "IBUF", {
    address: 0,
    row: chance(r, 50) ? 0 : r(0, 200),
    bits: 8,
    bytes: 8,
    base: chance(r, 70) ? [[0, chance(r, wild) ? r(1, 3) : tiles, chance(r, wild) ? r(-40, 400) : r(0, 6)]] : [],
    pad: [{ op: "pad_fill", target: NS.IBUF + 4, imm: r(0, 0xffff) }],
  });

function simdRegion(s: Shape): Words {
  const { r, machine } = s;
  const rows = Math.min(machine.tandem.vmemRows, 120);
  const all = (space: Space) => {
    const bits = pick(r, [8, 32]);
    return dae("ld", space, { address: BSS, bits, bytes: (machine.tandem.lanes * rows * bits) / 8 });
  };
  const items: Words[] = [];
  if (!chance(r, s.wild)) items.push(all("VMEM1"), all("VMEM2"));
  const spaces: Space[] = ["VMEM1", "VMEM2", "OBUF", "IBUF"];
  for (const space of spaces) items.push(iterators(s, space));
  items.push(slots(s));
  if (chance(r, 60)) items.push(datatype(r, s.wild));
  if (s.passes) items.push(nextInput(s));
  const n = r(1, 6);
  for (let i = 0; i < n; i++) {
    const kind = r(1, 100);
    if (kind <= 45) items.push(nestOf(s));
    else if (kind <= 52) items.push(single(s));
    else if (kind <= 64) items.push(transfer(s, false));
    else if (kind <= 76) items.push(transfer(s, true));
    else if (kind <= 84) items.push(permutation(s));
    else if (kind <= 92) items.push(datatype(r, s.wild));
    else if (kind <= 96) items.push(window(r));
    else if (kind <= 98) items.push(iterators(s, "VMEM1"));
    else items.push(chance(r, s.wild) && s.fused ? endBuf : slots(s));
  }
  if (s.fused && chance(r, 40)) items.push(transfer(s, true, "OBUF"));
  items.push(transfer(s, true));
  return simd(...items);
}

/** Operand formats of a region: mostly a pair of the array. */
function formats(r: Random, wild: number): Words {
  const a = pick(r, [FORMAT.INT8, FORMAT.INT4, FORMAT.INT2, FORMAT.FP16, FORMAT.HFP8, FORMAT.FP8_BWD]);
  const fp8 = a === FORMAT.HFP8 || a === FORMAT.FP8_BWD;
  const w = chance(r, wild / 4) ? r(0, 5) : fp8 ? pick(r, [FORMAT.HFP8, FORMAT.FP8_BWD]) : a;
  const format: Words = [{ op: "format", a, w, bias: r(8, 20), chunk_log2: r(0, 8) }];
  return chance(r, 70) ? format : [...format, { op: "format_weight_bias", bias: r(8, 20) }];
}

function systolicRegion(s: Shape, stores: boolean): Words {
  const { r, machine, wild, tiles } = s;
  const { rows, columns } = machine.array;
  const words: Words[] = [];
  if (chance(r, 65)) words.push(formats(r, wild));
  const steps = chance(r, 40) ? 2 : 1;
  words.push(saLoop(0, tiles));
  if (steps > 1) words.push(saLoop(1, steps), saReduction(1));
  const shift = (r: Random, list: readonly number[]): number => (chance(r, wild) ? r(-1, 9) : pick(r, list));
  let outputs = 1;
  for (const loop of [7, 8, 9, 10]) {
    const count = r(1, loop > 8 ? 3 : 5);
    const reduces = chance(r, 35);
    words.push(saLoop(loop, count));
    if (reduces) words.push(saReduction(loop));
    const moves = reduces && !chance(r, wild / 4) ? 0 : outputs;
    words.push(saStride("WR", "OBUF", loop, moves));
    if (!reduces) outputs *= count;
    words.push(saStride("RD", "IBUF", loop, shift(r, [0, 1, 1, 2, 3])));
    words.push(saStride("RD", "WBUF", loop, reduces ? shift(r, [0, 1, 1, 2]) : shift(r, [0, 0, 0, 1])));
    words.push(saStride("RD", "BBUF", loop, shift(r, [0, 0, 1])));
  }
  for (const loop of [0, 1]) if (chance(r, 30)) words.push(saStride("RD", "IBUF", loop, shift(r, [1, 2, 4])));
  const load = (buffer: "IBUF" | "WBUF" | "BBUF", loop: number, bytes: number, row: number, count: number) => {
    words.push(saBase(buffer, pick(r, [RODATA, BSS, BSS + 0x200])));
    words.push(saLoop(loop, count), saStride("LD", buffer, loop, strided(r, wild, row)));
    words.push(saStride("WR", buffer, loop, buffer === "BBUF" ? bytes / 4 : bytes));
    const stays = buffer === "IBUF" && s.passes && chance(r, 60);
    if (!stays && chance(r, 60)) words.push(saStride("LD", buffer, 0, row * r(0, 2)));
    if (!stays && chance(r, 60)) words.push(saStride("LD", buffer, 1, row * r(0, 2)));
    if (chance(r, 25)) {
      const target = { WBUF: 0, IBUF: 1, BBUF: 3 }[buffer];
      words.push(pad(target, [pick(r, [[31], [loop], [31, 0]] as const)], r(0, 2), r(1, 6), r(-200, 200)));
    }
    words.push(saLd(buffer, loop, bytes));
  };
  if (!chance(r, wild / 4)) load("WBUF", 14, r(12, 20), rows * columns, r(1, 2));
  if (s.resident && chance(r, 30)) words.push(saBase("IBUF", r(0, 20)));
  if (!s.resident && chance(r, 25)) {
    words.push([{ op: "pack", run: r(1, 2 * rows), bank: r(0, 3) }]);
    words.push(saBase("IBUF", BSS), saLoop(15, r(16, 30)), saStride("LD", "IBUF", 15, r(1, 9)));
    words.push(saStride("WR", "IBUF", 15, r(1, 2)), saLoop(16, r(1, 3)), saStride("LD", "IBUF", 16, r(1, 20)));
    if (chance(r, 50)) words.push(pad(1, [[31], [15]], r(0, 3), r(3, 20), r(-200, 200)));
    words.push(saLd("IBUF", 16, 1));
  } else if (!s.resident && !chance(r, wild / 4)) load("IBUF", 15, r(40, 70), rows, r(1, 2));
  if (chance(r, 50)) load("BBUF", 17, 4 * r(4, 8), 4 * columns, r(1, 2));
  if (stores) {
    words.push(saBase("OBUF", BSS + 0x5000), saStride("ST", "OBUF", 0, 4 * columns * r(1, 4)));
    words.push(
      saLoop(18, r(1, 2)),
      saStride("ST", "OBUF", 18, 4 * columns * r(1, 3)),
      saStride("RD", "OBUF", 18, r(0, 2)),
    );
    if (chance(r, 25)) words.push(pad(2, [[31]], r(0, 2), r(1, 4), 0));
    words.push(saSt(18, 4 * (chance(r, wild) ? r(1, 40) : r(1, Math.min(outputs, 4)))));
  }
  return systolic(...words);
}

/** A random program: mostly well-behaved where `wild` (percent) is 0. */
export function randomProgram(r: Random, machine: MachineDescription, wild: number): readonly Inst[] {
  return blocks(
    ...Array.from({ length: r(1, 3) }, (_, i): readonly Words[] => {
      const kind = r(1, 3);
      const tiles = pick(r, [1, 2, 3, 1, 2, 3, 7]);
      const s = { r, machine, wild, fused: kind === 2, tiles, passes: chance(r, 25), resident: i > 0 && chance(r, 30) };
      if (kind === 1) return [simdRegion(s)];
      return kind === 2 ? [systolicRegion(s, false), simdRegion(s)] : [systolicRegion(s, true)];
    }),
  );
}
