import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, FORMS, formFor, type Inst, ISA, isCompute, OPS, type Op } from "../src/index.js";
import { instArb } from "./arbitrary.js";

const SEED = 20261;

/** The words of the published sheet, as printed there. */
const PINNED: readonly (readonly [string, Inst])[] = [
  ["1010 0000 0000 0000 0000 0000 1011 0100", { op: "sync_start", unit: 0, buf: 0, group: 0, count: 180 }],
  ["1010 1110 0000 0000 0000 0000 0000 0000", { op: "sync_end", unit: 1, buf: 1, group: 0 }],
  ["1010 1000 0000 0100 0000 0000 0100 0001", { op: "sync_start", unit: 1, buf: 0, group: 4, count: 65 }],
  ["1011 0000 0000 0000 0000 0000 0000 0001", { op: "block_end", last: 1 }],
  ["1101 0000 0000 0000 0110 0000 0000 0000", { op: "sa_set_base_addr", half: 0, buffer: 0, imm: 24576 }],
  ["1001 0000 0001 1100 0000 0000 0000 0000", { op: "sa_loop", loop: 28, count_minus_1: 0 }],
  ["1001 1000 0000 0011 0000 0000 0000 0110", { op: "sa_reduction", loop: 3, kind: 6 }],
  [
    "1100 0011 1000 0111 0000 0000 0000 0001",
    { op: "sa_set_loop_stride", half: 0, dir: 3, buffer: 2, loop: 7, imm: 1 },
  ],
  ["1110 0000 1101 1100 0000 0000 0001 0000", { op: "sa_ld", buffer: 3, loop: 28, bytes: 16 }],
  ["0101 0000 1110 0000 0000 0000 0001 0000", { op: "ld_config_base_addr", half: 1, ns: 3, imm: 16 }],
  [
    "0101 1100 0111 0111 1001 0000 0000 0000",
    { op: "st_config_tile_loop_stride", half: 0, ns: 3, loop: 23, imm: 36864 },
  ],
  ["0101 0101 0101 1111 0000 0010 0000 0000", { op: "ld_start", ns: 2, bits_minus_1: 31, bytes: 512 }],
  ["0100 0010 0000 0100 0000 0100 0000 0100", { op: "config_fxp8", dst_bits: 4, src1_bits: 4, src2_bits: 4 }],
  ["0110 0100 0000 0001 0000 0001 0010 0000", { op: "iter_stride_signext", ns: 0, ix: 1, imm: 288 }],
  ["0110 1010 1000 0010 1001 1001 1001 1001", { op: "imm_signext", slot: 2, imm: 39321 }],
  [
    "0111 0000 0110 0001 0000 0001 1000 0000",
    { op: "set_index", dst_ns: 3, dst_ix: 1, src1_ns: 0, src1_ix: 1, src2_ns: 4, src2_ix: 0 },
  ],
  ["0111 0001 0100 0000 0000 0000 0000 0110", { op: "set_iter", loop: 2, count: 6 }],
  ["0111 0010 0010 0000 0000 0000 0000 0001", { op: "set_inst", nested: 1, count: 1 }],
  [
    "0000 0000 0100 0001 0100 0000 0110 0000",
    { op: "add", dst_ns: 2, dst_ix: 1, src1_ns: 2, src1_ix: 0, src2_ns: 3, src2_ix: 0 },
  ],
  [
    "0001 0000 0110 0000 0000 0000 1000 0000",
    { op: "relu", dst_ns: 3, dst_ix: 0, src1_ns: 0, src1_ix: 0, src2_ns: 4, src2_ix: 0 },
  ],
];

/** Opcode and function of every published form that has one, from the sheet's opcode list. */
const FUNCTIONS: Readonly<Record<number, readonly string[]>> = {
  0: "add sub mul macc div max min rshift lshift move cond_move_true cond_move_false not and or nop".split(" "),
  1: "relu leaky_relu sigmoid tanh exp ln sqrt inv_sqrt log2 abs sign".split(" "),
  2: "equal neq gt gte lt lte".split(" "),
  3: (
    "cast_fxp32_fxp16 cast_fxp32_fxp8 cast_fxp32_fxp4 cast_fxp16_fxp32 cast_fxp8_fxp32 cast_fxp4_fxp32 " +
    "cast_fp32_fp16 cast_fp16_fp32 floor ceil cast_fp32_bf16 cast_bf16_fp32 " +
    "cast_fp16_fxp32 cast_fxp32_fp16 cast_fp16_fp8 cast_fp8_fp16"
  ).split(" "),
  4: "config_fxp32 config_fxp16 config_fxp8 config_fp32 config_fp16".split(" "),
  5: ["ld", "", "st"].flatMap((p) =>
    p === ""
      ? [""]
      : "config_base_addr config_base_loop_iter config_base_loop_stride config_tile_loop_iter config_tile_loop_stride start config_tile_addr"
          .split(" ")
          .map((n) => `${p}_${n}`),
  ),
  6: (
    "iter_base_signext iter_base_low iter_base_high iter_base_zerofill iter_stride_signext iter_stride_low " +
    "iter_stride_high iter_stride_zerofill set_imm_low set_imm_high imm_signext"
  ).split(" "),
  7: "set_index set_iter set_inst".split(" "),
  8: "perm_set_base_addr perm_set_loop_iter perm_set_loop_stride perm_start".split(" "),
  15: "format window_base window_rows pack pad_dim pad_low pad_low_hi pad_high pad_high_hi pad_fill pad_fill_hi ld_index ld_index_count ld_index_count_hi".split(
    " ",
  ),
};

/** One hand-assembled word for each remaining form whose bits are not opcode and function alone. */
const HAND: readonly (readonly [string, Inst])[] = [
  ["1010 0100 0001 1111 0000 0000 0000 0000", { op: "sync_end", unit: 0, buf: 0, group: 31 }],
  ["1011 0000 0000 0000 0000 0000 0000 0000", { op: "block_end", last: 0 }],
  ["1101 1000 1100 0000 0000 0000 0000 0001", { op: "sa_set_base_addr", half: 1, buffer: 3, imm: 1 }],
  ["1101 1100 0000 0000 0000 0000 0000 0001", { op: "sa_set_imem_addr", half: 1, imm: 1 }],
  ["1110 1000 1001 1101 0000 0000 0001 0000", { op: "sa_st", buffer: 2, loop: 29, bytes: 16 }],
  ["1110 0100 0000 1110 0000 0000 0000 0010", { op: "sa_ld_imem", loop: 14, bytes: 2 }],
  ["1110 1100 0000 1110 0000 0000 0000 0010", { op: "sa_st_imem", loop: 14, bytes: 2 }],
  [
    "1100 1000 0100 0000 1111 1111 1111 1111",
    { op: "sa_set_loop_stride", half: 1, dir: 0, buffer: 1, loop: 0, imm: 65535 },
  ],
  ["1000 0000 0010 0000 0000 0000 0000 0111", { op: "perm_set_base_addr", side: 1, imm: 7 }],
  ["1000 0000 0010 0001 0000 0000 0000 0111", { op: "perm_set_base_addr_high", side: 1, imm: 7 }],
  ["1000 0001 0010 0011 0000 0000 0000 1001", { op: "perm_set_loop_iter", side: 1, dim: 3, count_minus_1: 9 }],
  ["1000 0010 0000 0011 1111 1111 1111 1111", { op: "perm_set_loop_stride", side: 0, dim: 3, imm: 65535 }],
  ["1000 0010 0110 0011 1111 1111 1111 1111", { op: "perm_set_loop_stride_high", side: 1, dim: 3, imm: 65535 }],
  ["1000 0011 0110 0000 0100 0000 0000 0001", { op: "perm_start", dst_ns: 3, src1_ns: 2, shuffle: 1 }],
  ["1111 0000 0000 0110 0000 1011 0011 0101", { op: "format", chunk_log2: 6, bias: 11, w: 3, a: 5 }],
  ["1111 0000 0010 0000 0000 1001 0000 0000", { op: "format_weight_bias", bias: 9 }],
  [
    "0011 1110 0100 0001 0110 0010 1000 0011",
    { op: "cast_fp16_fp8", dst_ns: 2, dst_ix: 1, src1_ns: 3, src1_ix: 2, src2_ns: 4, src2_ix: 3 },
  ],
  ["1111 0001 0100 0000 0000 0000 0001 0000", { op: "window_base", ns: 2, imm: 16 }],
  ["1111 0010 0110 0000 0000 0000 0001 0000", { op: "window_rows", ns: 3, imm: 16 }],
  ["1111 0011 0000 0000 0001 0101 0000 0110", { op: "pack", run: 21, bank: 6 }],
  ["1111 0100 1101 1111 0000 0000 0010 0010", { op: "pad_dim", target: 6, inner: 31, has_outer: 1, outer: 2 }],
  ["1111 0101 0010 0000 0000 0000 0000 0011", { op: "pad_low", target: 1, imm: 3 }],
  ["1111 1010 0010 0000 0000 0000 0000 0011", { op: "pad_fill_hi", target: 1, imm: 3 }],
  ["1111 1011 0100 0101 0000 0000 0001 0000", { op: "ld_index", ns: 2, loop: 5, imm: 16 }],
  ["1111 1101 0110 0000 0000 0000 0000 0001", { op: "ld_index_count_hi", ns: 3, imm: 1 }],
];

const wordOf = (bits: string): number => Number.parseInt(bits.replaceAll(" ", ""), 2);

describe("table", () => {
  it.each(OPS)("%s fills 32 bits, fixed values fit, names are unique", (op) => {
    const segs = FORMS.find((f) => f.op === op)!.row.segs;
    expect(segs.reduce((n, s) => n + s.width, 0)).toBe(32);
    for (const s of segs) {
      if ("value" in s) expect(s.value).toBeLessThan(2 ** s.width);
      else if (s.names) expect(s.names.length).toBeLessThanOrEqual(2 ** s.width);
    }
    const names = segs.flatMap((s) => ("name" in s ? [s.name] : []));
    expect(new Set(names).size).toBe(names.length);
  });

  it("every pair of forms differs in a bit both fix", () => {
    const overlaps = FORMS.flatMap((a, i) =>
      FORMS.slice(i + 1)
        .filter((b) => (a.mask & b.mask & (a.match ^ b.match)) === 0)
        .map((b) => `${a.op} ${b.op}`),
    );
    expect(overlaps).toEqual([]);
  });

  it("opcode and function of every form are those of the sheet", () => {
    const seen = new Set<string>();
    for (const [opcode, names] of Object.entries(FUNCTIONS)) {
      names.forEach((name, fn) => {
        if (name === "") return;
        seen.add(name);
        expect(formFor(name)!.match >>> 24, name).toBe(Number(opcode) * 16 + fn);
      });
    }
    const pinned = new Set<string>([...PINNED, ...HAND].map(([, inst]) => inst.op));
    expect(OPS.filter((op) => !seen.has(op) && !pinned.has(op))).toEqual([]);
  });

  it("operands of compute words", () => {
    expect(ISA.macc.operands.reads).toEqual(["dst", "src1", "src2"]);
    expect(ISA.move.operands.reads).toEqual(["src1"]);
    expect(isCompute({ op: "nop" })).toBe(false);
    expect(OPS.filter((op: Op) => "operands" in ISA[op])).toHaveLength(48);
  });
});

describe("codec", () => {
  it.each([...PINNED, ...HAND])("%s", (bits, inst) => {
    expect(encode(inst).toString(2).padStart(32, "0")).toBe(bits.replaceAll(" ", ""));
    expect(decode(wordOf(bits))).toEqual(inst);
  });

  it(`decode(encode(x)) is x for every form (seed ${SEED})`, () => {
    for (const form of FORMS) {
      fc.assert(
        fc.property(instArb(form), (inst) => {
          expect(decode(encode(inst))).toEqual({ ...inst });
        }),
        { seed: SEED, numRuns: 40 },
      );
    }
  });

  it(`a word that decodes encodes to itself (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), (word) => {
        const inst = decode(word);
        if (inst !== undefined) expect(encode(inst)).toBe(word);
      }),
      { seed: SEED, numRuns: 20_000 },
    );
  });

  it.each([
    ["comparison function 6", 0x26000000],
    ["calculus function 11", 0x1b000000],
    ["DAE function 7", 0x57000000],
    ["opcode 15 function 14", 0xfe000000],
    ["namespace 5", 0x00a00000],
    ["NOP with operands", 0x0f000001],
    ["reserved bit of BLOCK_END", 0xb0000002],
    ["count on a region end", 0xae000001],
    ["reduction kind 3", 0x98000003],
    ["systolic loop 32", 0x90200000],
    ["bit 26 of SET_LOOP_STRIDE", 0xc4000000],
    ["window on OBUF", 0xf1000000],
    ["format 6", 0xf0000006],
    ["all ones", 0xffffffff],
  ])("%s does not decode", (_, word) => expect(decode(word)).toBeUndefined());

  it("encode names the field and what it may hold", () => {
    const bad = { op: "set_iter", loop: 8, count: 1 } as const;
    expect(() => encode(bad)).toThrow(new RangeError("set_iter: field loop is 8, allowed: 0..7"));
    expect(() => encode({ ...bad, loop: -1 })).toThrow(RangeError);
    expect(() => encode({ ...bad, loop: 0.5 })).toThrow(RangeError);
    expect(() => encode({ op: "set_iter", loop: 1 } as unknown as Inst)).toThrow("count is undefined");
    expect(() => encode({ op: "frob" } as unknown as Inst)).toThrow("unknown instruction frob");
    expect(() => encode({ op: "sa_reduction", loop: 0, kind: 3 })).toThrow("0 (inner_ic)");
  });
});
