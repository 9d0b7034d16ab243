import { BUFFER, encode, type Inst, NS, writeElf } from "@accelc/isa";
import { loadMachine, machinePreset } from "@accelc/machine";
import { afterAll, describe, expect, it } from "vitest";
import { createBatch } from "../src/batch.js";
import {
  EmulatorError,
  ERRORS,
  type ErrorKey,
  load,
  loadObject,
  simulate,
  TRAPS,
  Trap,
  type TrapKey,
} from "../src/index.js";
import { loadChecked } from "../src/program.js";
import {
  BSS,
  bind,
  blocks,
  dae,
  imm,
  iter,
  level,
  nest,
  objectOf,
  pad,
  place,
  program,
  RODATA,
  SMALL,
  saBase,
  saLd,
  saLoadAll,
  saLoop,
  saReduction,
  saSt,
  saStride,
  simd,
  systolic,
  vec,
  type Words,
} from "./build.js";

const seen = new Set<string>();
const TINY = loadMachine({
  extends: "tandem-8x8",
  name: "tiny",
  tandem: { loopLevels: 2, iteratorsPerNamespace: 4, immSlots: 2 },
});

const load1 = dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8 });
const iters = [...iter("VMEM1", 0, 0, 1), ...iter("VMEM2", 0, 0, 1), ...iter("OBUF", 0, 0, 1)];
const move = vec("move", ["VMEM2", 0], ["VMEM1", 0]);
const moveBinding = bind(["VMEM2", 0], ["VMEM1", 0]);
const simple = (...body: readonly Words[]): Words => blocks([simd(load1, iters, ...body)]);
const gemm = (...more: readonly Words[]): Words =>
  blocks([
    systolic(
      saLoop(8, 2),
      saStride("RD", "IBUF", 8, 1),
      saStride("WR", "OBUF", 8, 1),
      saLoadAll("WBUF", 14, RODATA, 1),
      saLoadAll("IBUF", 16, BSS, 2),
      ...more,
    ),
  ]);
const store: Words = [...saBase("OBUF", BSS + 256), ...saStride("ST", "OBUF", 18, 0), ...saSt(18, 8)];
const one = (inst: Inst): Words => [inst];

interface Case {
  readonly what: string;
  readonly key: TrapKey;
  readonly words: Words;
  readonly message: RegExp;
  readonly maxSteps?: number;
  readonly tiny?: true;
}
const cases: readonly Case[] = [
  {
    what: "a load below DRAM",
    key: "dramRange",
    words: blocks([simd(dae("ld", "VMEM1", { address: 16, bits: 8, bytes: 8 }))]),
    message:
      /ld_start touches 8 bytes at DRAM address 0x10, outside .rodata \[0x1000, 0x1400\) and .bss \[0x8000, 0x10000\)/,
  },
  {
    what: "a load across the end of .rodata",
    key: "dramRange",
    words: blocks([simd(dae("ld", "VMEM1", { address: RODATA + 0x3fc, bits: 8, bytes: 8 }))]),
    message: /ld_start touches 8 bytes at DRAM address 0x13fc/,
  },
  {
    what: "a store past DRAM",
    key: "dramRange",
    words: blocks([simd(load1, dae("st", "VMEM1", { address: BSS + 0x7ffc, bits: 8, bytes: 8 }))]),
    message: /at DRAM address 0xfffc/,
  },
  {
    what: "a store over constants",
    key: "readOnly",
    words: blocks([simd(load1, dae("st", "VMEM1", { address: RODATA, bits: 8, bytes: 8 }))]),
    message: /overwrites constants/,
  },
  {
    what: "a store whose last byte is a constant",
    key: "readOnly",
    words: blocks([simd(load1, dae("st", "VMEM1", { address: RODATA - 7, bits: 8, bytes: 8 }))]),
    message: /st_start of 8 bytes at DRAM address 0xff9 overwrites constants/,
  },
  {
    what: "a store of OBUF over constants",
    key: "readOnly",
    words: gemm(saBase("OBUF", RODATA + 992), saStride("ST", "OBUF", 18, 0), saSt(18, 8)),
    message: /a store of 64 bytes at DRAM address 0x13e0 overwrites constants/,
  },
  {
    what: "a vector past VMEM1",
    key: "scratchRange",
    words: simple(iter("VMEM1", 0, 512, 0), move),
    message: /move touches VMEM1 row 512 of 512/,
  },
  {
    what: "a negative row",
    key: "scratchRange",
    words: simple(iter("VMEM2", 0, -1, 0), move),
    message: /VMEM2 row -1/,
  },
  {
    what: "an output row past OBUF",
    key: "scratchRange",
    words: gemm(saStride("WR", "OBUF", 8, 512)),
    message: /OBUF row 512 of 512/,
  },
  { what: "an unwritten row", key: "unwritten", words: simple(iter("VMEM1", 0, 1, 0), move), message: /VMEM1 row 1/ },
  {
    what: "an accumulator never written",
    key: "unwritten",
    words: simple(vec("macc", ["VMEM2", 0], ["VMEM1", 0], ["VMEM1", 0])),
    message: /macc reads VMEM2 row 0/,
  },
  {
    what: "an input row never loaded",
    key: "unwritten",
    words: gemm(saStride("RD", "IBUF", 8, 2)),
    message: /IBUF row 2/,
  },
  {
    what: "two rows of one namespace",
    key: "ports",
    words: blocks([
      simd(
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 16 }),
        iters,
        iter("VMEM1", 1, 1, 0),
        vec("add", ["VMEM2", 0], ["VMEM1", 0], ["VMEM1", 1]),
      ),
    ]),
    message: /add reads VMEM1 twice in one issue, rows 0 and 1/,
  },
  {
    what: "OBUF in a SIMD-only block",
    key: "obufOwner",
    words: simple(vec("move", ["VMEM1", 0], ["OBUF", 0])),
    message: /move touches OBUF/,
  },
  {
    what: "OBUF after END BUF",
    key: "obufOwner",
    words: [
      ...gemm().slice(0, -1),
      ...simd(
        iters,
        vec("move", ["VMEM1", 0], ["OBUF", 0]),
        one({ op: "sync_end", unit: 1, buf: 1, group: 0 }),
        vec("move", ["VMEM1", 0], ["OBUF", 0]),
      ),
      { op: "block_end", last: 1 },
    ],
    message: /move touches OBUF/,
  },
  {
    what: "a systolic store before a SIMD region",
    key: "obufOwner",
    words: [...gemm(store).slice(0, -1), ...simd(iters), { op: "block_end", last: 1 }],
    message: /systolic store/,
  },
  { what: "a level", key: "loopRange", words: simple(level(2, 1)), message: /loop 2 is out of range, 2/, tiny: true },
  { what: "a systolic loop", key: "loopRange", words: gemm(saLoop(31, 1)), message: /loop 31/ },
  {
    what: "an iterator",
    key: "iteratorRange",
    words: simple(iter("VMEM1", 4, 0, 0)),
    message: /iterator 4 of VMEM1/,
    tiny: true,
  },
  { what: "a slot", key: "immRange", words: simple(imm(2, 0)), message: /IMM slot 2/, tiny: true },
  {
    what: "an IMM slot never set",
    key: "unwritten",
    words: simple(vec("add", ["VMEM2", 0], ["VMEM1", 0], ["IMM", 1])),
    message: /IMM row 1/,
  },
  {
    what: "a shift by 32",
    key: "castShift",
    words: simple(imm(0, 32), vec("cast_fxp32_fxp8", ["VMEM2", 0], ["VMEM1", 0], ["IMM", 0])),
    message: /cast_fxp32_fxp8 shifts by 32/,
  },
  {
    what: "a negative shift",
    key: "castShift",
    words: simple(imm(0, -1), vec("floor", ["VMEM2", 0], ["VMEM1", 0], ["IMM", 0])),
    message: /floor shifts by -1/,
  },
  {
    what: "a missing level",
    key: "nestLevels",
    words: simple(level(1, 1, moveBinding), nest(2, 1), move),
    message: /level 0 was not opened/,
  },
  { what: "trip count 0", key: "nestLevels", words: simple(level(0, 0)), message: /trip count 0/ },
  { what: "no level", key: "nestLevels", words: simple(nest(1, 1), move), message: /no level was opened/ },
  {
    what: "a wrong nested flag",
    key: "nestLevels",
    words: simple(level(0, 1, moveBinding), nest(2, 1), move),
    message: /nested is 1 for 1 levels/,
  },
  {
    what: "configuration in a body",
    key: "nestLevels",
    words: simple(level(0, 1, moveBinding, moveBinding), nest(1, 2), move, imm(0, 0), move),
    message: /set_imm_low stands in the body/,
  },
  {
    what: "a body cut by the region's end",
    key: "nestLevels",
    words: simple(level(0, 1, moveBinding, moveBinding), nest(1, 2), move),
    message: /ends 1 instructions before/,
  },
  { what: "a binding without a level", key: "nestLevels", words: simple(moveBinding), message: /before any set_iter/ },
  {
    what: "a missing binding",
    key: "nestBindings",
    words: simple(level(0, 1, moveBinding), nest(1, 2), move, move),
    message: /level 0 of the nest has 1 bindings for a body of 2/,
  },
  {
    what: "a binding of another namespace",
    key: "nestNamespace",
    words: simple(level(0, 1, bind(["VMEM2", 0], ["VMEM2", 0])), nest(1, 1), move),
    message: /src1 of move is VMEM1 in the word and VMEM2 in level 0/,
  },
  {
    what: "different tile products",
    key: "tileProduct",
    words: blocks([
      simd(
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, base: [[0, 2, 8]] }),
        dae("st", "VMEM1", { address: BSS + 64, bits: 8, bytes: 8, base: [[0, 3, 8]] }),
      ),
    ]),
    message: /st_start has 3 tiles, the block runs 2/,
  },
  {
    what: "tiles that are not the hand-overs",
    key: "tileProduct",
    words: [
      ...gemm().slice(0, -1),
      ...simd(dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, base: [[0, 2, 8]] })),
      { op: "block_end", last: 1 },
    ],
    message: /ld_start VMEM1 has 2 tiles, the block runs 1/,
  },
  {
    what: "a special function",
    key: "specialFunction",
    words: simple(vec("exp", ["VMEM2", 0], ["VMEM1", 0])),
    message: /machine tandem-8x8/,
  },
  {
    what: "the step budget, spent inside a nest",
    key: "steps",
    words: simple(iter("VMEM1", 0, 0, 0), level(0, 100, moveBinding), nest(1, 1), move),
    message: /more than 60 steps/,
    maxSteps: 60,
  },
  {
    what: "IBUF behind an array",
    key: "namespace",
    words: [
      ...gemm().slice(0, -1),
      ...simd(iters, iter("IBUF", 0, 0, 1), vec("move", ["IBUF", 0], ["OBUF", 0])),
      { op: "block_end", last: 1 },
    ],
    message: /IBUF/,
  },
  {
    what: "IBUF as a source",
    key: "namespace",
    words: simple(vec("move", ["VMEM2", 0], ["IBUF", 0])),
    message: /move may not use namespace IBUF/,
  },
  {
    what: "a load into OBUF",
    key: "namespace",
    words: blocks([simd(dae("ld", "OBUF", { address: BSS, bits: 8, bytes: 8 }))]),
    message: /ld_start may not use namespace OBUF/,
  },
  {
    what: "int4 operands",
    key: "format",
    words: gemm(one({ op: "format", chunk_log2: 0, bias: 0, w: 1, a: 0 })),
    message: /operand formats 0 and 1: the array has no such pair/,
  },
  {
    what: "a transfer naming another loop",
    key: "transfer",
    words: gemm(saLoadAll("BBUF", 20, RODATA, 4), saStride("LD", "BBUF", 21, 4)),
    message: /names loop 20, the last loop with a DRAM stride is 21/,
  },
  {
    what: "a buffer loaded twice",
    key: "transfer",
    words: gemm(saLd("IBUF", 16, 1)),
    message: /loads this buffer twice/,
  },
  {
    what: "half an element",
    key: "transfer",
    words: blocks([simd(dae("ld", "VMEM1", { address: BSS, bits: 32, bytes: 6 }))]),
    message: /not a whole number of elements/,
  },
  {
    what: "an index beyond its table",
    key: "index",
    words: blocks([
      simd(
        iter("VMEM2", 0, 0, 1),
        imm(0, 7),
        vec("move", ["VMEM2", 0], ["IMM", 0]),
        one({ op: "ld_index", ns: NS.VMEM1, loop: 0, imm: 0 }),
        one({ op: "ld_index_count", ns: NS.VMEM1, imm: 7 }),
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, tile: [[0, 2, 8]] }),
      ),
    ]),
    message: /index 7 is outside \[-7, 7\)/,
  },
  {
    what: "a bound across incommensurable strides",
    key: "padRatio",
    words: blocks([
      simd(
        dae("ld", "VMEM1", {
          address: BSS,
          bits: 8,
          bytes: 8,
          base: [[0, 2, 20]],
          tile: [[0, 2, 8]],
          pad: pad(NS.VMEM1, [[0, 0]], 0, 4, 0),
        }),
      ),
    ]),
    message: /outer stride 20 of a bound is not a multiple of its inner stride 8/,
  },
  {
    what: "a reduction tile loop outside another",
    key: "reduction",
    words: gemm(saLoop(1, 2), saLoop(2, 2), saReduction(1)),
    message: /reduction tile loop 1 is not innermost/,
  },
  {
    what: "outputs that share a row",
    key: "reduction",
    words: gemm(saLoop(9, 2)),
    message: /share OBUF row 0/,
  },
  {
    what: "a tile of two million iterations",
    key: "reduction",
    words: gemm(...[7, 8, 9].flatMap((l) => [saLoop(l, 128), saReduction(l), saStride("WR", "OBUF", l, 0)])),
    message: /2097152 iterations inside a tile/,
  },
  {
    what: "a bound of too many terms",
    key: "transfer",
    words: simple(...Array.from({ length: 33 }, () => pad(NS.VMEM1, [[31], [31]], 0, 4, 0))),
    message: /pad_dim: the bounds of a target have more than 64 terms/,
  },
  {
    what: "unequal sides",
    key: "permute",
    words: simple(
      one({ op: "perm_set_loop_iter", side: 0, dim: 0, count_minus_1: 1 }),
      one({ op: "perm_start", dst_ns: NS.VMEM2, src1_ns: NS.VMEM1, shuffle: 1 }),
    ),
    message: /read side has 2 words, the write side 1/,
  },
  {
    what: "another bank without shuffle",
    key: "permute",
    words: simple(
      one({ op: "perm_set_base_addr", side: 1, imm: 3 }),
      one({ op: "perm_start", dst_ns: NS.VMEM2, src1_ns: NS.VMEM1, shuffle: 0 }),
    ),
    message: /bank 0 to bank 3 without shuffle/,
  },
  {
    what: "instruction memory",
    key: "unsupported",
    words: gemm(one({ op: "sa_set_imem_addr", half: 0, imm: 0 })),
    message: /sa_set_imem_addr is never executed/,
  },
  {
    what: "FLOOR of DLFloat",
    key: "datatype",
    words: simple(
      one({ op: "config_fp16", dst_bits: 0, src1_bits: 0, src2_bits: 0 }),
      imm(0, 0),
      vec("floor", ["VMEM2", 0], ["VMEM1", 0], ["IMM", 0]),
    ),
    message: /floor is not defined under datatype fp16/,
  },
];

describe("traps", () => {
  it.each(cases)("$key: $what", ({ key, words, message, maxSteps, tiny }) => {
    const p = program({
      words,
      rodata: new Uint8Array(1024),
      ...(tiny ? { machine: TINY } : {}),
    });
    for (const engine of ["fast", "reference"] as const) {
      let caught: unknown;
      try {
        p.run({}, { engine, ...(maxSteps === undefined ? {} : { maxSteps }) });
      } catch (e) {
        caught = e;
      }
      expect(caught).toBeInstanceOf(Trap);
      const trap = caught as Trap;
      expect(trap.code).toBe(TRAPS[key].code);
      expect(trap.message).toMatch(message);
      expect(trap).toMatchObject({ block: 0, node: "Node_7", op: "Conv" });
      expect(words[trap.address]).toBeDefined();
    }
    seen.add(key);
  });

  it("undefinedWord at load, with the block of the debug table", () => {
    const object = objectOf({ words: simple(move) });
    const text = Uint32Array.from(object.text);
    text[3] = 0xffffffff;
    const blocksTable = [{ id: 0, name: "b", unit: "tandem" as const, start: 0, words: text.length, nodes: [7] }];
    const broken = { ...object, text, debug: { ...object.debug, blocks: blocksTable } };
    expect(() => loadObject(broken, SMALL)).toThrow(/EM2001: word 0xffffffff .*word 3, block 0, node "Node_7"/);
    seen.add("undefinedWord");
  });

  const MANY = 65536;
  const sides: Words = [0, 1].flatMap((side) =>
    [0, 1].map((dim) => ({ op: "perm_set_loop_iter", side, dim, count_minus_1: MANY - 1 }) as const),
  );
  it.each<[what: string, words: Words]>([
    ["steps of the array", blocks([systolic(saLoop(0, MANY), saLoop(1, MANY))])],
    [
      "runs of a transfer",
      simple(
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, tile: [3, 4, 5].map((l) => [l, MANY, 8] as const) }),
      ),
    ],
    [
      "tiles",
      simple(dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, base: [0, 1].map((l) => [l, MANY, 0] as const) })),
    ],
    [
      "words of a permutation",
      simple(sides, one({ op: "perm_start", dst_ns: NS.VMEM1, src1_ns: NS.VMEM2, shuffle: 1 })),
    ],
  ])("events of a simulation: %s", (_, words) => {
    expect(() => simulate(program({ words }))).toThrow(/EM2027: .*more than 268435456 events .*block 0, node "Node_7"/);
    seen.add("events");
  });

  afterAll(() => expect(Object.keys(TRAPS).filter((k) => !seen.has(k))).toEqual([]));
});

describe("errors of loading", () => {
  const errors = new Set<string>();
  const fails = (key: ErrorKey, act: () => unknown, message: RegExp) => {
    let caught: unknown;
    try {
      act();
    } catch (e) {
      caught = e;
    }
    expect(caught).toBeInstanceOf(EmulatorError);
    const error = caught as EmulatorError;
    expect(error.code).toBe(ERRORS[key].code);
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe("");
    errors.add(key);
  };
  const good = objectOf({ words: simple(move) });

  it("format", () => {
    fails("format", () => load(new Uint8Array(10)), /not a binary/);
    const strange = { ...good, io: { inputs: [place("x", "string", [1], BSS, 8)], outputs: [] } };
    fails("format", () => loadObject(strange, SMALL), /x has type string/);
  });
  it("version", () => fails("version", () => loadObject({ ...good, formatVersion: 99 }), /version 99/));
  it("machine", () => {
    fails("machineUnknown", () => loadObject({ ...good, machineName: "nobody" }), /machine nobody/);
    fails("machineHash", () => loadObject(good, machinePreset("tandem-32x32")), /given machine tandem-32x32/);
    expect(loadObject(good, (name) => (name === SMALL.name ? SMALL : undefined)).machine).toBe(SMALL);
    expect(load(writeElf(good)).machine.name).toBe("tandem-8x8");
  });
  it("structure", () => {
    const words = simple(move);
    const none = { symbols: [], debug: { ...good.debug, ranges: [] } };
    const structure = (changed: Words, message: RegExp) =>
      fails(
        "structure",
        () => loadObject({ ...good, text: Uint32Array.from(changed, encode), ...none }, SMALL),
        message,
      );
    structure(words.slice(0, -1), /expected the START|without a last/);
    structure([...words, ...words], /behind the last BLOCK_END/);
    structure([{ op: "block_end", last: 1 }], /without regions/);
    structure([...words.slice(0, -1), ...words], /second or misplaced/);
    structure([{ op: "sync_start", unit: 1, buf: 0, group: 0, count: 3 }, ...words.slice(1)], /counts 3|does not end/);
    structure(blocks([systolic(move)]), /move in a systolic region/);
    structure(blocks([simd(saLoop(0, 1))]), /sa_loop in a simd region/);
    structure(blocks([simd(iters), systolic()]), /misplaced systolic/);
    structure(blocks([systolic(one({ op: "sync_end", unit: 0, buf: 1, group: 0 }))]), /END BUF/);
  });
  it("memory", () => {
    fails(
      "memory",
      () => loadObject(good).session({ maxDramBytes: 100 }),
      /32768 bytes of DRAM, the emulator allows 100/,
    );
  });
  it("place", () => {
    const outside = { ...good, io: { inputs: [], outputs: [place("y", "int8", [4], 0x20000, 8)] } };
    fails("place", () => loadObject(outside).session(), /y lies outside DRAM/);
  });
  it("more than the host could take", () => {
    const many = { ...good, text: new Uint32Array(2 ** 21 + 1) };
    fails("programSize", () => loadObject(many, SMALL), /2097153 words/);
    const table = (...shapes: number[][]) =>
      shapes.map((shape, i) => ({ ...place(`y${i}`, "int8", shape, BSS, 8), layout: [], bytes: 1 }));
    const big = (...shapes: number[][]) =>
      loadObject({ ...good, io: { inputs: [], outputs: table(...shapes) } }, SMALL);
    fails("place", () => big([2 ** 28]).session(), /y0 .*268435456 elements are more than/);
    fails(
      "place",
      () => big([0, 2 ** 40], [2 ** 27], [1]).session(),
      /y2 .*inputs and outputs have 134217729 elements/,
    );
    expect(() => big([0, 2 ** 40]).session()).not.toThrow();
    const io = { inputs: [place("x", "int8", [1], BSS, 8)], outputs: table([2 ** 27]) };
    const x = { type: "int8", shape: [100], data: new Int8Array(100) };
    fails("outputs", () => createBatch(io, { x }), /100 samples take 13421772800 bytes/);
  });
  it("no room on the host", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const rodata = new Uint8Array(memory.buffer, 0, 64);
    fails("hostMemory", () => loadChecked({ ...good, rodata }, SMALL, memory).session(), /no \d+ bytes of memory/);
  });
  it("inputs, all at once", () => {
    const inputs = [place("a", "float32", [2, 3], BSS, 8, 0.5), place("b", "int64", [2], BSS + 64, 32)];
    const p = program({ words: simple(move), inputs });
    const run = () =>
      p.run({
        a: { type: "float64", shape: [3, 3], data: new Float64Array(6) },
        c: { type: "int8", shape: [1], data: new Int8Array(1) },
      });
    fails(
      "inputs",
      run,
      /a: type is float64, expected float32[\s\S]*a: shape is \[3, 3\], expected \[2, 3\][\s\S]*a: 6 elements[\s\S]*b: missing, expected int64 \[2\][\s\S]*c: no such input/,
    );
    const a = { type: "float32", shape: [2, 3], data: new Float32Array(6) };
    const big = { type: "int64", shape: [2], data: BigInt64Array.of(1n, 2n ** 40n) };
    fails("inputs", () => p.run({ a, b: big }), /b: element 1 is 1099511627776, outside the 32-bit range/);
    const nan = { ...a, data: Float32Array.of(0, 1, Number.NaN, 0, 0, 0) };
    fails("inputs", () => p.run({ a: nan, b: { ...big, data: new BigInt64Array(2) } }), /a: element 2 is NaN/);
    const batch = { type: "float32", shape: [4, 3], data: new Float32Array(12) };
    fails(
      "inputs",
      () => p.run({ a: batch, b: { ...big, shape: [6], data: new BigInt64Array(6) } }),
      /b: 3 samples, another input has 2/,
    );
  });

  afterAll(() => expect(Object.keys(ERRORS).filter((k) => !errors.has(k))).toEqual([]));
});

describe("buffers of PAD", () => {
  it("a limit without a bound traps", () => {
    const words = gemm([{ op: "pad_low", target: BUFFER.IBUF, imm: 1 }]);
    expect(() => program({ words, rodata: new Uint8Array(64) }).run({})).toThrow(/no bound was begun/);
  });
});
