import { type MachineDescription, machinePreset, TANDEM_PIPELINE_STAGES } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { loadObject, simulate, stepCycles } from "../src/index.js";
import {
  bind,
  blocks,
  dae,
  endBuf,
  imm,
  iter,
  level,
  nest,
  objectOf,
  program,
  RODATA,
  saLoadAll,
  saLoop,
  saReduction,
  saStride,
  simd,
  systolic,
  vec,
  type Words,
} from "./build.js";

const LARGE = machinePreset("tandem-32x32");
const run = (words: Words, machine: MachineDescription = LARGE) => simulate(program({ words, machine }));

/** A GEMM of `rows` input rows, `k` blocks of the reduction and one of output, its operands in place. */
const gemm = (rows: number, k: number): Words => [
  ...saLoop(9, k),
  ...saReduction(9),
  ...saLoop(13, rows),
  ...saStride("RD", "WBUF", 9, 1),
  ...saStride("RD", "IBUF", 9, rows),
  ...saStride("RD", "IBUF", 13, 1),
  ...saStride("WR", "OBUF", 13, 1),
];

/** dst VMEM1 from row 64 = VMEM1 + VMEM2 over `rows` rows. */
const add = (rows: number): Words => [
  ...iter("VMEM1", 0, 0, 1),
  ...iter("VMEM2", 0, 0, 1),
  ...iter("VMEM1", 1, rows, 1),
  ...level(0, rows, bind(["VMEM1", 1], ["VMEM1", 0], ["VMEM2", 0])),
  ...nest(1, 1),
  ...vec("add", ["VMEM1", 1], ["VMEM1", 0], ["VMEM2", 0]),
];

describe("cases worked by hand", () => {
  it("GEMM 512x32x32: 512 + 63", () => {
    expect(run(blocks([systolic(gemm(512, 1))])).cycles).toBe(512 + 63);
  });

  it("what the model asks for of it, where the debug table says", () => {
    const object = objectOf({ words: blocks([systolic(gemm(512, 1))]), machine: LARGE });
    const withMacs = (macs: object) =>
      simulate(
        loadObject(
          {
            ...object,
            debug: {
              ...object.debug,
              blocks: [
                { id: 0, name: "b", unit: "systolic", start: 0, words: object.text.length, nodes: [7], ...macs },
              ],
            },
          },
          LARGE,
        ),
      );
    const want = { modelMacs: 512 * 1000, macUtilization: (512 * 1000) / (575 * 1024) };
    expect(withMacs({ macs: 512 * 1000 })).toMatchObject({ ...want, blocks: [{ modelMacs: 512 * 1000 }] });
    expect(withMacs({})).toMatchObject({ modelMacs: null, macUtilization: null, blocks: [{ modelMacs: null }] });
  });

  it("GEMM 512x64x32 of int4, 512x128x32 of int2: as many passes", () => {
    for (const [a, elements] of [
      [1, 2],
      [2, 4],
    ] as const) {
      const r = run(blocks([systolic([{ op: "format", chunk_log2: 0, bias: 0, w: a, a }], gemm(512, 1))]));
      expect(r.cycles).toBe(512 + 63);
      expect(r.macs).toBe(512 * 32 * elements * 32);
      expect(r.utilization).toBeCloseTo(512 / (512 + 63));
    }
  });

  it("formats that a machine lacks trap", () => {
    const { array } = LARGE;
    const machine = { ...LARGE, array: { ...array, formats: { ...array.formats, int2: 0 } } };
    const words = blocks([systolic([{ op: "format", chunk_log2: 0, bias: 0, w: 2, a: 2 }], gemm(512, 1))]);
    expect(() => run(words, machine)).toThrow(/EM2018: operand formats 2 and 2: machine tandem-32x32 has no int2/);
  });

  it("ADD of 2,048 words: 64 + pipeline depth + its configuration words", () => {
    const region = simd(add(64));
    const r = run(blocks([region]));
    expect(r.cycles).toBe(64 + TANDEM_PIPELINE_STAGES + (region.length - 1));
    expect(r.blocks[0]!.configWords).toBe(region.length - 1);
    expect(r.vectorInstructions).toEqual({ add: 64 });
  });

  it("LD of 4,096 bytes: 100 + 64", () => {
    const words = dae("ld", "VMEM1", { address: 0x1000, bits: 32, bytes: 4096 });
    const r = run(blocks([simd(words)]));
    expect(r.busy.dram).toBe(100 + 64);
    // The region's START and the words up to and including the load's.
    expect(r.cycles).toBe(1 + words.length + 100 + 64);
  });

  it("GEMM 2,048x32x32 in four tiles: one fill and drain", () => {
    expect(run(blocks([systolic(saLoop(0, 4), gemm(512, 1))])).cycles).toBe(2048 + 63);
  });

  it("GEMM 128x512x32 in one tile: 2,111", () => {
    expect(run(blocks([systolic(gemm(128, 16))])).cycles).toBe(2111);
  });

  it("two such tiles whose loads take 3,000 cycles each: 3,000 + 3,000 + 2,111", () => {
    // IBUF 2,048 rows of 32 bytes: 100 + 1,024; WBUF 111 blocks of 1,024 bytes: 100 + 1,776.
    const loads = [
      ...saLoop(0, 2),
      ...saLoadAll("IBUF", 14, 0x1000, 2048),
      ...saStride("LD", "IBUF", 0, 2048 * 32),
      ...saLoadAll("WBUF", 15, 0x1000, 111),
      ...saStride("LD", "WBUF", 0, 111 * 1024),
    ];
    const r = run(blocks([systolic([...loads, ...gemm(128, 16)])]));
    expect(r.busy).toEqual({ dram: 6000, systolic: 2 * 2111, tandem: 0 });
    expect(r.cycles).toBe(3000 + 3000 + 2111);
  });
});
/** `rows` rows of int32 into VMEM1 row 0, tile by tile. */
const load = (tiles: number, rows: number): Words =>
  dae("ld", "VMEM1", { address: 0x1000, bits: 32, bytes: 128 * rows, base: [[0, tiles, 128 * rows]] });
const window = (rows: number): Words => [
  { op: "window_base", ns: 2, imm: 0 },
  { op: "window_rows", ns: 2, imm: rows },
];
/** VMEM2 = VMEM1 over `rows` rows: 9 words and the nest. */
const copy = (rows: number): Words => [
  ...iter("VMEM1", 0, 0, 1),
  ...iter("VMEM2", 0, 0, 1),
  ...level(0, rows, bind(["VMEM2", 0], ["VMEM1", 0])),
  ...nest(1, 1),
  ...vec("move", ["VMEM2", 0], ["VMEM1", 0]),
];

describe("overlap", () => {
  // A load takes 100 + 64 cycles, the nest 32 + 6; the words stand for one cycle each.
  const [loadWords, copyWords] = [load(3, 32).length, copy(32).length - 1];

  it("a load behind a window runs while the tile before computes", () => {
    const r = run(blocks([simd(window(32), load(3, 32), copy(32))]));
    const before = 1 + 2 + loadWords;
    // Loads follow one another without a gap: the third is asked for before the second is done.
    const loaded = before + 3 * 164;
    const region = before + copyWords + 38 + 1;
    expect(r.blocks[0]).toMatchObject({ tiles: 3, boundBy: "latency", busy: { dram: 492, tandem: 3 * region } });
    expect(r.cycles).toBe(loaded + 38 + 1);
  });

  it("without a window the load waits until the tile before has ended", () => {
    const r = run(blocks([simd(load(3, 32), copy(32))]));
    expect(r.cycles).toBe(1 + loadWords + 3 * (164 + 38 + 1));
  });

  it("a store holds up the words that write its rows, in the tile after the next where a window keeps them apart", () => {
    const store = dae("st", "VMEM1", { address: 0x9000, bits: 32, bytes: 4096, base: [[0, 3, 4096]] });
    const fill: Words = [
      ...imm(0, 7),
      ...iter("VMEM1", 0, 0, 1),
      ...level(0, 32, bind(["VMEM1", 0], ["IMM", 0])),
      ...nest(1, 1),
      ...vec("move", ["VMEM1", 0], ["IMM", 0]),
    ];
    const words = fill.length - 1 + 1 + store.length;
    const plain = run(blocks([simd(fill, store)]));
    expect(plain.cycles).toBe(fill.length + 3 * (38 + store.length + 164));
    const windowed = run(blocks([simd(window(32), fill, store)]));
    expect(windowed.busy.dram).toBe(3 * 164);
    expect(windowed.cycles).toBe(2 + words + 38 + 3 * 164);
  });

  it("loads of a region run while the array works on its first tile, and END waits for it", () => {
    const words = load(1, 32);
    const busy = (rows: number) => run(blocks([systolic(gemm(rows, 1)), simd(words)])).cycles;
    expect(busy(512)).toBe(512 + 63);
    expect(busy(1)).toBe(1 + words.length + 164);
  });

  it("the array runs two tile sets ahead of the Tandem Processor, no more", () => {
    const tandem: Words = [...iter("OBUF", 0, 0, 1), ...iter("VMEM1", 0, 0, 0)];
    const drain = (rows: number): Words => [
      ...tandem,
      ...level(0, rows, bind(["VMEM1", 0], ["OBUF", 0])),
      ...nest(1, 1),
      ...vec("move", ["VMEM1", 0], ["OBUF", 0]),
    ];
    const sets = (n: number, ...tail: readonly Words[]) =>
      run(blocks([systolic(saLoop(0, n), gemm(1, 1)), simd(drain(512), ...tail)]));
    // START and the words ahead of the nest, which needs OBUF: the first time they run while the array does.
    const ahead = 1 + (drain(1).length - 1);
    const region = ahead + (512 + TANDEM_PIPELINE_STAGES) + 1;
    expect(sets(5).cycles).toBe(64 + 5 * region - ahead);
    expect(sets(5).timeline.find((e) => e.resource === "systolic")).toMatchObject({
      // The fifth set needs the half that the third gives back. The second follows the first's only row.
      end: 64 + 3 * region - ahead + 64,
      busy: 65 + 3 * 64,
    });
    // END BUF gives the half back before the words behind it.
    const tail = copy(100);
    const released = sets(5, endBuf, tail).timeline.find((e) => e.resource === "systolic");
    const long = region + 1 + tail.length - 1 + 100 + TANDEM_PIPELINE_STAGES;
    expect(released?.end).toBe(64 + 2 * long + region - ahead - 1 + 1 + 64);
  });
});

describe("constants of the next block", () => {
  const constants = new Uint8Array(111 * 1024);
  /** WBUF 111 blocks: 100 + 1,776; IBUF 2,048 rows: 100 + 1,024; then 2,111 on the array. */
  const heavy = (address: number): Words =>
    systolic(saLoadAll("WBUF", 15, address, 111), saLoadAll("IBUF", 14, 0x100000, 2048), gemm(128, 16));
  const cycles = (before: Words, address = RODATA) =>
    simulate(
      program({ words: blocks([before], [heavy(address)]), rodata: constants, bssSize: 0, machine: LARGE }),
    ).blocks.map((b) => b.cycles);
  const light = (tiles: number) => systolic(saLoop(0, tiles), gemm(512, 1));

  it("come from the beginning of a block of one step on; what is under way at its end counts to the next", () => {
    expect(cycles(light(1))).toEqual([575, 1876 + 1124 + 2111 - 575]);
  });

  it("come when the last step but one has ended", () => {
    expect(cycles(light(4))).toEqual([4 * 512 + 63, 1876 - 512 + 1124 + 2111]);
    expect(cycles(systolic(saLoop(0, 2), gemm(2048, 1)))).toEqual([2 * 2048 + 63, 1124 + 2111]);
  });

  it("come behind the loads of the running block", () => {
    const loading = systolic(saLoadAll("IBUF", 14, 0x100000, 2048), gemm(512, 1));
    expect(cycles(loading)).toEqual([1124 + 575, 1876 - 575 + 1124 + 2111]);
  });

  it("come under a SIMD region", () => {
    const region = simd(add(256));
    const length = 256 + TANDEM_PIPELINE_STAGES + (region.length - 1);
    expect(cycles(region)).toEqual([length, 3000 - length + 2111]);
  });

  it("wait where one byte of them may change", () => {
    for (const address of [RODATA + 1, RODATA - 1]) expect(cycles(light(1), address)).toEqual([575, 3000 + 2111]);
  });

  it("come one block ahead, no further", () => {
    const words = blocks([light(1)], [light(1)], [heavy(RODATA)]);
    const r = simulate(program({ words, rodata: constants, bssSize: 0, machine: LARGE }));
    expect(r.cycles).toBe(575 + 3000 + 2111);
    expect(r.timeline.find((e) => e.resource === "dram")).toEqual({
      block: 2,
      resource: "dram",
      start: 575,
      end: 575 + 3000,
      busy: 3000,
    });
  });

  it("go to halves that nobody reads, step by step, as the schedule has it", () => {
    const small = machinePreset("tandem-8x8");
    const load = (tiles: number, blocksLoaded: number): Words => [
      ...saLoop(0, tiles),
      ...saLoadAll("WBUF", 15, RODATA, blocksLoaded),
      ...saStride("LD", "WBUF", 0, 64 * blocksLoaded),
    ];
    const block = (tiles: number, n: number) => [systolic(load(tiles, n), gemm(400, 1))];
    const plain = [systolic(gemm(40, 1))];
    const loading = [block(1, 9), block(2, 3), block(3, 2), block(1, 5)];
    const words = blocks(...loading, plain, ...loading, [simd(add(30))], ...loading);
    const p = program({ words, rodata: new Uint8Array(4096), bssSize: 0, machine: small });
    expect(simulate(p).blocks.map((b) => b.cycles)).toEqual(stepCycles(p));
  });
});
