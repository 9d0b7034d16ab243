/**
 * The machines that come with the toolchain, as they would stand in a JSON file. `tandem-32x32` is complete; the others
 * extend it and state what differs.
 */

const TABLE_4_4 = "thesis Table 4.4";
const SPLIT = "thesis Table 4.4 (384 KB for IBUF, WBUF, BBUF together); the split is a choice";
const LATENCY = "public compiler table (reference/isa.md)";
const WORD = "width of the instruction field (reference/isa.md)";

const TANDEM_32X32 = {
  name: "tandem-32x32",
  array: { rows: 32, columns: 32, formats: { int8: 1, int4: 2, int2: 4, hfp8: 1, fp16: 0.5 } },
  buffers: { ibufRows: 4096, wbufBlocks: 240, bbufRows: 128, obufRows: 1024 },
  tandem: {
    lanes: 32,
    vmemRows: 512,
    immSlots: 32,
    iteratorsPerNamespace: 32,
    loopLevels: 8,
    specialFunctions: false,
  },
  instructionBufferWords: 16384,
  dram: { bytesPerCycle: 64, burstBytes: 64, latencyCycles: 100, addressBits: 32 },
  frequencyHz: 1e9,
  latencyCycles: { sigmoid: 4, tanh: 4, macc: 2, sqrt: 8, div: 51 },
  energy: { macInt8: 1, laneOp: 4, sramByte: 1, dramByte: 123, instructionWord: 4 },
  ties: "even",
  sources: {
    "array.rows": TABLE_4_4,
    "array.columns": TABLE_4_4,
    "array.formats.int8": TABLE_4_4,
    "array.formats.int4": "assumed: one 8-bit multiplier splits into two 4-bit ones along the reduction",
    "array.formats.int2": "assumed: one 8-bit multiplier splits into four 2-bit ones along the reduction",
    "array.formats.hfp8": "assumed: one product per element and cycle, as int8",
    "array.formats.fp16": "assumed: a 16-bit operand takes two passes",
    "buffers.ibufRows": SPLIT,
    "buffers.wbufBlocks": SPLIT,
    "buffers.bbufRows": SPLIT,
    "buffers.obufRows": "thesis Table 4.4 (accumulators, 128 KB)",
    "tandem.lanes": TABLE_4_4,
    "tandem.vmemRows": "thesis Table 4.4 (Interim BUF 1 and 2, 128 KB together)",
    "tandem.immSlots": "thesis 4.4.1 (IMM BUF, 32 slots)",
    "tandem.iteratorsPerNamespace": `${WORD}: 5 bits`,
    "tandem.loopLevels": `${WORD}: 3 bits`,
    "tandem.specialFunctions": "thesis Table 4.3: nonlinear functions are built from primitives",
    instructionBufferWords: "assumed",
    "dram.bytesPerCycle": "assumed: one 512-bit channel at 1 GHz; in no source",
    "dram.burstBytes": "assumed",
    "dram.latencyCycles": "assumed",
    "dram.addressBits": "two 16-bit halves of CONFIG_BASE_ADDR and SET_BASE_ADDR (reference/isa.md)",
    frequencyHz: TABLE_4_4,
    ties: "a choice: IEEE 754's default; the published hardware's is `up`",
    "energy.macInt8": "the unit; the thesis' 512-MAC systolic baseline spends 250 mW at 500 MHz, at most 0.98 pJ each",
    "energy.laneOp": "assumed: four int8 operations' worth of datapath; relative, no source",
    "energy.sramByte": "assumed: moving a byte costs what multiplying it does; relative, no source",
    "energy.dramByte": "thesis section 3 (DDR4, 15 pJ per bit) over 0.98 pJ per int8 multiply-accumulate",
    "energy.instructionWord": "assumed: four bytes of on-chip memory; relative, no source",
    "latencyCycles.sigmoid": LATENCY,
    "latencyCycles.tanh": LATENCY,
    "latencyCycles.macc": LATENCY,
    "latencyCycles.sqrt": LATENCY,
    "latencyCycles.div": LATENCY,
  },
};

const GENESYS = "GeneSys 16x16 configuration (reference/isa.md)";

const TANDEM_16X16 = {
  name: "tandem-16x16",
  extends: "tandem-32x32",
  array: { rows: 16, columns: 16 },
  buffers: { ibufRows: 16384, wbufBlocks: 4096, bbufRows: 8192, obufRows: 16384 },
  tandem: { lanes: 16, vmemRows: 16384, specialFunctions: true },
  frequencyHz: 1e9,
  sources: {
    "array.rows": GENESYS,
    "array.columns": GENESYS,
    "buffers.ibufRows": GENESYS,
    "buffers.wbufBlocks": "assumed: 1 MB; the published figure counts other units",
    "buffers.bbufRows": GENESYS,
    "buffers.obufRows": GENESYS,
    "tandem.lanes": GENESYS,
    "tandem.vmemRows": GENESYS,
    "tandem.immSlots": "assumed: 64 slots are published, the instruction field addresses 32",
    "tandem.specialFunctions": "the published instruction listing has SIGMOID to LOG2 (reference/isa.md)",
    "dram.bytesPerCycle": "assumed: five 512-bit channels are published, the model has one",
    frequencyHz: "assumed",
  },
};

/**
 * An n × n member of the sweep. Every scratchpad keeps its bytes per lane: row counts stay those of `tandem-32x32`
 * (a row grows with n), WBUF blocks are 240 · 32 / n (a block grows with n²). DRAM moves 2n bytes per cycle.
 */
function sweep(n: number): object {
  const formula = "sweep formula: tandem-32x32 scaled by n / 32";
  return {
    name: `tandem-${n}x${n}`,
    extends: "tandem-32x32",
    array: { rows: n, columns: n },
    buffers: { wbufBlocks: (240 * 32) / n },
    tandem: { lanes: n },
    dram: { bytesPerCycle: 2 * n },
    sources: {
      "array.rows": formula,
      "array.columns": formula,
      "buffers.ibufRows": formula,
      "buffers.wbufBlocks": formula,
      "buffers.bbufRows": formula,
      "buffers.obufRows": formula,
      "tandem.lanes": formula,
      "tandem.vmemRows": formula,
      "dram.bytesPerCycle": `${formula}; assumed there`,
    },
  };
}

/** Name → JSON of every machine known by name, the default first. */
export const PRESETS: ReadonlyMap<string, object> = new Map<string, object>([
  ["tandem-32x32", TANDEM_32X32],
  ["tandem-8x8", sweep(8)],
  ["tandem-16x16", TANDEM_16X16],
  ["tandem-64x64", sweep(64)],
  ["tandem-128x128", sweep(128)],
]);

export const DEFAULT_MACHINE = "tandem-32x32";
