export const FORMAT_VERSION = 1;
/** Storage width of one element in DRAM, in bits. */
export type StorageBits = 2 | 4 | 8 | 16 | 32 | 64;

/** Element (i0, i1, …) is at `address` + the sum of `(floor(i_axis / div) mod extent) * stride` over the terms. */
export interface LayoutTerm {
  readonly axis: number;
  readonly div: number;
  readonly extent: number;
  /** Bytes; a half or a quarter between elements of 4 or 2 bits. */
  readonly stride: number;
}

/** Where a tensor lives in DRAM and what its stored integers mean: real = scale * (q - zeroPoint). */
export interface TensorPlace {
  /** ONNX tensor name. */
  readonly name: string;
  /** ONNX element type of the user-visible tensor: float32, int64, bool… */
  readonly elementType: string;
  readonly shape: readonly number[];
  /** DRAM byte address. */
  readonly address: number;
  /** Two's complement width of a stored element. */
  readonly bits: StorageBits;
  /** 1 for integer and bool element types. A float input enters as clamp(roundHalfEven(x / scale) + zeroPoint). */
  readonly scale: number;
  readonly zeroPoint: number;
  /**
   * Of float element types with 32 bits, scale 1 and zero point 0 only: a stored element is the binary32 word of the value, NaN
   * and infinities included. Other float types are rounded to binary32 on their way in and to the type on their way out.
   */
  readonly raw?: true;
  /** Extent in DRAM. */
  readonly bytes: number;
  readonly layout: readonly LayoutTerm[];
}

export interface IoTable {
  readonly inputs: readonly TensorPlace[];
  readonly outputs: readonly TensorPlace[];
}

export interface DebugNode {
  readonly id: number;
  readonly name: string;
  readonly op: string;
}

export interface DebugBlock {
  readonly id: number;
  readonly name: string;
  readonly unit: "systolic" | "tandem" | "both";
  /** First word of the block in .text. */
  readonly start: number;
  readonly words: number;
  readonly nodes: readonly number[];
  /** Multiply-accumulates of the block's convolution or matrix product, without padding; absent where it has none, or from before this field. */
  readonly macs?: number;
}

/** Words [start, start + words) of .text come from this ONNX node; -1: from none. */
export interface DebugRange {
  readonly start: number;
  readonly words: number;
  readonly node: number;
}

export interface DebugTensor extends TensorPlace {
  /** Block after which the tensor is complete in DRAM; -1: before the first. */
  readonly block: number;
  /** Node that produces it; -1: none. */
  readonly node: number;
}

export interface DebugTable {
  readonly model: string;
  readonly nodes: readonly DebugNode[];
  readonly blocks: readonly DebugBlock[];
  readonly ranges: readonly DebugRange[];
  readonly tensors: readonly DebugTensor[];
}

/** Named run of words of .text, one per block. Symbols are in ascending order and do not overlap; names are unique. */
export interface AccelSymbol {
  readonly name: string;
  readonly start: number;
  readonly words: number;
}

export interface AccelObject {
  readonly formatVersion: number;
  readonly machineName: string;
  /** SHA-256 of the machine description, 64 lowercase hex digits. */
  readonly machineHash: string;
  readonly text: Uint32Array;
  readonly symbols: readonly AccelSymbol[];
  readonly rodata: Uint8Array;
  /** DRAM byte addresses. */
  readonly rodataAddress: number;
  readonly bssAddress: number;
  readonly bssSize: number;
  readonly io: IoTable;
  readonly debug: DebugTable;
}
