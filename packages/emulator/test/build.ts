import {
  type AccelObject,
  BUFFER,
  DIR,
  encode,
  FORMAT_VERSION,
  halves,
  type Inst,
  NS,
  type TensorPlace,
  UNIT,
} from "@accelc/isa";
import { type MachineDescription, machineHash, machinePreset } from "@accelc/machine";
import { loadObject, type Program } from "../src/index.js";

export const SMALL: MachineDescription = machinePreset("tandem-8x8");
export const RODATA = 0x1000;
export const BSS = 0x8000;

type Buffer = keyof typeof BUFFER;
type Dir = keyof typeof DIR;
type Space = keyof typeof NS;
export type Words = readonly Inst[];

/** The two words of a 32-bit value, the high one only where needed. */
const wide = (value: number, make: (half: number, imm: number) => Inst): Words => {
  const [low, high] = halves(value);
  return high === 0 ? [make(0, low)] : [make(0, low), make(1, high)];
};

export const saLoop = (loop: number, count: number): Words => [{ op: "sa_loop", loop, count_minus_1: count - 1 }];
export const saReduction = (loop: number): Words => [{ op: "sa_reduction", loop, kind: 0 }];
export const saStride = (dir: Dir, buffer: Buffer, loop: number, value: number): Words =>
  wide(value, (half, imm) => ({
    op: "sa_set_loop_stride",
    half,
    dir: DIR[dir],
    buffer: BUFFER[buffer],
    loop,
    imm,
  }));
export const saBase = (buffer: Buffer, value: number): Words =>
  wide(value, (half, imm) => ({ op: "sa_set_base_addr", half, buffer: BUFFER[buffer], imm }));
export const saLd = (buffer: Buffer, loop: number, bytes: number): Words => [
  { op: "sa_ld", buffer: BUFFER[buffer], loop, bytes },
];
export const saSt = (loop: number, bytes: number): Words => [{ op: "sa_st", buffer: BUFFER.OBUF, loop, bytes }];

/** A load of `rows` consecutive rows in one request. */
export const saLoadAll = (buffer: Buffer, loop: number, address: number, bytes: number): Words => [
  ...saBase(buffer, address),
  ...saLoop(loop, 1),
  ...saStride("LD", buffer, loop, 0),
  ...saLd(buffer, loop, bytes),
];

export const iter = (space: Space, ix: number, base: number, stride: number): Words => [
  { op: "iter_base_signext", ns: NS[space], ix, imm: base & 0xffff },
  { op: "iter_stride_signext", ns: NS[space], ix, imm: stride & 0xffff },
];
export const imm = (slot: number, value: number): Words => {
  const [low, high] = halves(value);
  return [
    { op: "set_imm_low", slot, imm: low },
    { op: "set_imm_high", slot, imm: high },
  ];
};

export type Ref = readonly [Space, number];
const NONE: Ref = ["OBUF", 0];
const operands = (dst: Ref, src1: Ref, src2: Ref) => ({
  dst_ns: NS[dst[0]],
  dst_ix: dst[1],
  src1_ns: NS[src1[0]],
  src1_ix: src1[1],
  src2_ns: NS[src2[0]],
  src2_ix: src2[1],
});
type VectorName = Extract<Inst, { readonly src2_ix: number }>["op"];
export const vec = (op: Exclude<VectorName, "set_index">, dst: Ref, src1: Ref, src2: Ref = NONE): Words => [
  { op, ...operands(dst, src1, src2) } as Inst,
];
export const bind = (dst: Ref, src1: Ref, src2: Ref = NONE): Words => [
  { op: "set_index", ...operands(dst, src1, src2) },
];
export const level = (loop: number, count: number, ...bindings: readonly Words[]): Words => [
  { op: "set_iter", loop, count },
  ...bindings.flat(),
];
export const nest = (levels: number, count: number): Words => [{ op: "set_inst", nested: levels > 1 ? 1 : 0, count }];

export interface DaeSpec {
  readonly address: number;
  readonly row?: number;
  readonly bits: number;
  readonly bytes: number;
  readonly base?: readonly (readonly [loop: number, count: number, stride: number])[];
  readonly tile?: readonly (readonly [loop: number, count: number, stride: number])[];
  readonly pad?: Words;
}
export const dae = (dir: "ld" | "st", space: Space, spec: DaeSpec): Words => {
  const ns = NS[space];
  return [
    ...wide(spec.address, (half, i) => ({ op: `${dir}_config_base_addr`, half, ns, imm: i }) as const),
    ...(spec.base ?? []).flatMap(([loop, count, stride]) => [
      { op: `${dir}_config_base_loop_iter`, ns, loop, count_minus_1: count - 1 } as const,
      ...wide(stride, (half, i) => ({ op: `${dir}_config_base_loop_stride`, half, ns, loop, imm: i }) as const),
    ]),
    ...(spec.tile ?? []).flatMap(([loop, count, stride]) => [
      { op: `${dir}_config_tile_loop_iter`, ns, loop, count_minus_1: count - 1 } as const,
      ...wide(stride, (half, i) => ({ op: `${dir}_config_tile_loop_stride`, half, ns, loop, imm: i }) as const),
    ]),
    { op: `${dir}_config_tile_addr`, ns, imm: spec.row ?? 0 },
    ...(spec.pad ?? []),
    { op: `${dir}_start`, ns, bits_minus_1: spec.bits - 1, bytes: spec.bytes },
  ];
};

/** A bound of a transfer; `terms` are [inner, outer?] pairs, the first of which gives the unit. */
export const pad = (
  target: number,
  terms: readonly (readonly [inner: number, outer?: number])[],
  low: number,
  high: number,
  fill: number,
): Words => [
  ...terms.map(
    ([inner, outer]): Inst => ({
      op: "pad_dim",
      target,
      inner,
      has_outer: outer === undefined ? 0 : 1,
      outer: outer ?? 0,
    }),
  ),
  { op: "pad_low", target, imm: low & 0xffff },
  ...(low >>> 16 === 0 ? [] : [{ op: "pad_low_hi", target, imm: low >>> 16 } as const]),
  { op: "pad_high", target, imm: high & 0xffff },
  ...(high >>> 16 === 0 ? [] : [{ op: "pad_high_hi", target, imm: high >>> 16 } as const]),
  { op: "pad_fill", target, imm: fill & 0xffff },
  { op: "pad_fill_hi", target, imm: (fill >>> 16) & 0xffff },
];

const region = (unit: number, body: Words): Words => [
  { op: "sync_start", unit, buf: 0, group: 0, count: body.length + 1 },
  ...body,
  { op: "sync_end", unit, buf: 0, group: 0 },
];
export const systolic = (...body: readonly Words[]): Words => region(UNIT.SYSTOLIC, body.flat());
export const simd = (...body: readonly Words[]): Words => region(UNIT.SIMD, body.flat());
export const endBuf: Words = [{ op: "sync_end", unit: UNIT.SIMD, buf: 1, group: 0 }];

/** A program of blocks, each a list of regions. */
export const blocks = (...list: readonly (readonly Words[])[]): Words =>
  list.flatMap((regions, i) => [...regions.flat(), { op: "block_end", last: i === list.length - 1 ? 1 : 0 } as const]);

export interface ObjectSpec {
  readonly words: Words;
  readonly rodata?: Uint8Array;
  readonly bssSize?: number;
  readonly inputs?: readonly TensorPlace[];
  readonly outputs?: readonly TensorPlace[];
  readonly machine?: MachineDescription;
}

export const objectOf = (spec: ObjectSpec): AccelObject => {
  const machine = spec.machine ?? SMALL;
  const text = Uint32Array.from(spec.words, encode);
  return {
    formatVersion: FORMAT_VERSION,
    machineName: machine.name,
    machineHash: machineHash(machine),
    text,
    symbols: [{ name: "block0", start: 0, words: text.length }],
    rodata: spec.rodata ?? new Uint8Array(0),
    rodataAddress: RODATA,
    bssAddress: BSS,
    bssSize: spec.bssSize ?? 0x8000,
    io: { inputs: spec.inputs ?? [], outputs: spec.outputs ?? [] },
    debug: {
      model: "test.onnx",
      nodes: [{ id: 7, name: "Node_7", op: "Conv" }],
      blocks: [],
      ranges: [{ start: 0, words: text.length, node: 7 }],
      tensors: [],
    },
  };
};

export const program = (spec: ObjectSpec): Program => loadObject(objectOf(spec), spec.machine ?? SMALL);

/** A dense row-major tensor. */
export const place = (
  name: string,
  elementType: string,
  shape: readonly number[],
  address: number,
  bits: TensorPlace["bits"],
  scale = 1,
  zeroPoint = 0,
): TensorPlace => {
  const total = shape.reduce((a, b) => a * b, 1);
  let stride = bits / 8;
  const layout = shape
    .map((extent, axis) => ({ axis, extent }))
    .reverse()
    .map(({ axis, extent }) => {
      const term = { axis, div: 1, extent, stride };
      stride *= extent;
      return term;
    })
    .reverse();
  return { name, elementType, shape, address, bits, scale, zeroPoint, bytes: Math.ceil((total * bits) / 8), layout };
};

export const i8 = (...values: number[]): Int8Array => Int8Array.from(values);
/** Deterministic integers in [low, high]. */
export const randoms = (seed: number): ((low: number, high: number) => number) => {
  let state = seed >>> 0;
  return (low, high) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 2 ** 32) * (high - low + 1));
  };
};
