import { isShared } from "../arena.js";

/**
 * A binary builder for small WebAssembly modules: functions over one imported memory, structured control flow, base SIMD.
 * Types and opcodes are those of the core specification 2.0.
 */
export type ValueType = "i32" | "v128";

const TYPE_CODE: { readonly [T in ValueType]: number } = { i32: 0x7f, v128: 0x7b };

const unsigned = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const more = rest > 0x7f;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
};

const signed = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
};

const NUMERIC = {
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_u": 0x4b,
  "i32.le_u": 0x4d,
  "i32.ge_u": 0x4f,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.and": 0x71,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
  select: 0x1b,
  drop: 0x1a,
} as const;

const SIMD = {
  "i8x16.splat": 0x0f,
  "i16x8.splat": 0x10,
  "i32x4.splat": 0x11,
  "i64x2.splat": 0x12,
  "i16x8.eq": 0x2d,
  "i16x8.shl": 0x8b,
  "i16x8.shr_s": 0x8c,
  "i16x8.mul": 0x95,
  "i32x4.eq": 0x37,
  "i32x4.ne": 0x38,
  "i32x4.lt_s": 0x39,
  "i32x4.gt_s": 0x3b,
  "i32x4.le_s": 0x3d,
  "i32x4.ge_s": 0x3f,
  "v128.not": 0x4d,
  "v128.and": 0x4e,
  "v128.andnot": 0x4f,
  "v128.or": 0x50,
  "v128.xor": 0x51,
  "v128.bitselect": 0x52,
  "v128.any_true": 0x53,
  "i16x8.extend_low_i8x16_s": 0x87,
  "i16x8.extend_low_i8x16_u": 0x89,
  "i32x4.extend_low_i16x8_s": 0xa7,
  "i32x4.extend_low_i16x8_u": 0xa9,
  "i32x4.extend_high_i16x8_s": 0xa8,
  "i16x8.extend_high_i8x16_s": 0x88,
  "i32x4.abs": 0xa0,
  "i32x4.neg": 0xa1,
  "i32x4.shl": 0xab,
  "i32x4.shr_s": 0xac,
  "i32x4.shr_u": 0xad,
  "i32x4.add": 0xae,
  "i32x4.sub": 0xb1,
  "i32x4.mul": 0xb5,
  "i32x4.min_s": 0xb6,
  "i32x4.min_u": 0xb7,
  "i32x4.max_s": 0xb8,
  "i32x4.dot_i16x8_s": 0xba,
  "i32x4.extmul_low_i16x8_s": 0xbc,
  "i32x4.extmul_high_i16x8_s": 0xbd,
  "i64x2.shl": 0xcb,
  "i64x2.shr_s": 0xcc,
  "i64x2.shr_u": 0xcd,
  "i64x2.add": 0xce,
  "i64x2.sub": 0xd1,
  "i64x2.gt_s": 0xd9,
  "i64x2.extmul_low_i32x4_s": 0xdc,
  "i64x2.extmul_high_i32x4_s": 0xdd,
  "f32x4.eq": 0x41,
  "f32x4.ne": 0x42,
  "f32x4.mul": 0xe6,
  "f32x4.abs": 0xe0,
  "f32x4.add": 0xe4,
  "f32x4.lt": 0x43,
  "f32x4.gt": 0x44,
  "f32x4.ge": 0x46,
  "f64x2.eq": 0x47,
  "f64x2.ne": 0x48,
  "f64x2.lt": 0x49,
  "f64x2.gt": 0x4a,
  "f64x2.ge": 0x4c,
  "f64x2.abs": 0xec,
  "f64x2.add": 0xf0,
  "f64x2.sub": 0xf1,
  "f64x2.mul": 0xf2,
  "f64x2.div": 0xf3,
  "f64x2.promote_low_f32x4": 0x5f,
  "f32x4.demote_f64x2_zero": 0x5e,
  "i32x4.trunc_sat_f32x4_s": 0xf8,
  "i32x4.trunc_sat_f64x2_s_zero": 0xfc,
  "f64x2.convert_low_i32x4_s": 0xfe,
} as const;

/** Loads and stores with the alignment they promise, as its logarithm; 0 promises nothing. */
const MEMORY = {
  "i32.load": [0x28],
  "i32.load8_u": [0x2d],
  "i32.load16_u": [0x2f],
  "i32.store": [0x36],
  "i32.store8": [0x3a],
  "i32.store16": [0x3b],
  "i64.load": [0x29],
  "i64.store": [0x37],
  "v128.load": [0xfd, 0x00],
  "v128.load8x8_s": [0xfd, 0x01],
  "v128.load16x4_u": [0xfd, 0x04],
  "v128.load32_zero": [0xfd, 0x5c],
  "v128.load16x4_s": [0xfd, 0x03],
  "v128.load8_splat": [0xfd, 0x07],
  "v128.load16_splat": [0xfd, 0x08],
  "v128.load32_splat": [0xfd, 0x09],
  "v128.load64_splat": [0xfd, 0x0a],
  "v128.store": [0xfd, 0x0b],
} as const;

const LANE = { "i32x4.extract_lane": 0x1b, "i32x4.replace_lane": 0x1c } as const;

export type PlainOp = keyof typeof NUMERIC | keyof typeof SIMD;
export type MemoryOp = keyof typeof MEMORY;

const vector = (code: number): number[] => [0xfd, ...unsigned(code)];

const PLAIN = new Map<string, readonly number[]>([
  ...Object.entries(NUMERIC).map(([name, code]) => [name, [code]] as const),
  ...Object.entries(SIMD).map(([name, code]) => [name, vector(code)] as const),
]);

/** Code of one function, in order. Locals are numbers; parameters come first. */
export interface Code {
  readonly bytes: number[];
  readonly local: (type: ValueType) => number;
  readonly op: (...names: readonly PlainOp[]) => void;
  readonly get: (local: number) => void;
  readonly set: (local: number) => void;
  readonly tee: (local: number) => void;
  readonly const32: (value: number) => void;
  /** The same 32-bit word in all four lanes. */
  readonly splat: (word: number) => void;
  /** 16 bytes, lane 0 first. */
  readonly constant: (bytes: readonly number[]) => void;
  readonly memory: (name: MemoryOp, offset?: number) => void;
  /** Store lane 0 of four 32-bit or two 64-bit lanes. */
  readonly storeLow: (bits: 32 | 64, offset?: number) => void;
  readonly extract: (lane: number) => void;
  readonly replace: (lane: number) => void;
  readonly shuffle: (lanes: readonly number[]) => void;
  readonly fill: () => void;
  readonly copy: () => void;
  /** Repeats the body while the condition, which leaves an i32, holds; the body runs at least once. */
  readonly repeat: (body: () => void, condition: () => void) => void;
  /** The condition is on the stack. */
  readonly when: (then: () => void, otherwise?: () => void) => void;
}

interface Body extends Code {
  readonly locals: readonly ValueType[];
}

function createCode(parameters: number): Body {
  const bytes: number[] = [];
  const locals: ValueType[] = [];
  const raw = (...more: readonly number[]): void => {
    for (const b of more) bytes.push(b);
  };
  const word = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  return {
    bytes,
    locals,
    local: (type) => parameters + locals.push(type) - 1,
    op: (...names) => {
      for (const name of names) raw(...(PLAIN.get(name) as readonly number[]));
    },
    get: (local) => raw(0x20, ...unsigned(local)),
    set: (local) => raw(0x21, ...unsigned(local)),
    tee: (local) => raw(0x22, ...unsigned(local)),
    const32: (value) => raw(0x41, ...signed(value)),
    splat: (value) => {
      const one = word(value);
      raw(...vector(0x0c), ...one, ...one, ...one, ...one);
    },
    constant: (value) => raw(...vector(0x0c), ...value),
    memory: (name, offset = 0) => raw(...MEMORY[name], 0, ...unsigned(offset)),
    storeLow: (bits, offset = 0) => raw(...vector(bits === 32 ? 0x5a : 0x5b), 0, ...unsigned(offset), 0),
    extract: (lane) => raw(...vector(LANE["i32x4.extract_lane"]), lane),
    replace: (lane) => raw(...vector(LANE["i32x4.replace_lane"]), lane),
    shuffle: (lanes) => raw(...vector(0x0d), ...lanes),
    fill: () => raw(0xfc, 0x0b, 0),
    copy: () => raw(0xfc, 0x0a, 0, 0),
    repeat: (body, condition) => {
      raw(0x03, 0x40);
      body();
      condition();
      raw(0x0d, 0, 0x0b);
    },
    when: (then, otherwise) => {
      raw(0x04, 0x40);
      then();
      if (otherwise !== undefined) {
        raw(0x05);
        otherwise();
      }
      raw(0x0b);
    },
  };
}

export interface FunctionSpec {
  readonly name: string;
  /** All i32. */
  readonly parameters: number;
  /** Does it leave one i32? */
  readonly result?: boolean;
  /** Writes the body; parameters are locals 0, 1, … */
  readonly write: (code: Code) => void;
}

const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const list = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const text = (s: string): number[] => sized(Array.from(s, (c) => c.charCodeAt(0)));
const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];

/** The bytes of a module that imports memory `m.m`, shared or not, and exports every function by name. */
export function moduleBytes(functions: readonly FunctionSpec[], shared: boolean): Uint8Array<ArrayBuffer> {
  const i32s = (n: number): number[] => list(Array.from({ length: n }, () => [TYPE_CODE.i32]));
  const types = functions.map((f) => [0x60, ...i32s(f.parameters), ...i32s(f.result ? 1 : 0)]);
  const bodies = functions.map((f) => {
    const code = createCode(f.parameters);
    f.write(code);
    const locals = list(code.locals.map((type) => [1, TYPE_CODE[type]]));
    return sized([...locals, ...code.bytes, 0x0b]);
  });
  const limits = shared ? [3, ...unsigned(1), ...unsigned(65536)] : [0, ...unsigned(1)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(2, list([[...text("m"), ...text("m"), 0x02, ...limits]])),
    ...section(3, list(functions.map((_, i) => unsigned(i)))),
    ...section(7, list(functions.map((f, i) => [...text(f.name), 0x00, ...unsigned(i)]))),
    ...section(10, list(bodies)),
  ]);
}

export type WasmFunction = (...args: readonly number[]) => number;

/** Compiles and links at once: for modules of a few kilobytes. */
export function instantiate<N extends string>(
  functions: readonly (FunctionSpec & { readonly name: N })[],
  memory: WebAssembly.Memory,
): Readonly<Record<N, WasmFunction>> {
  return exportsOf(moduleBytes(functions, isShared(memory)), memory) as Readonly<Record<N, WasmFunction>>;
}

const exportsOf = (bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } }).exports;

/** The function of a module that has one. */
export const link = (bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): WasmFunction =>
  Object.values(exportsOf(bytes, memory))[0] as WasmFunction;
