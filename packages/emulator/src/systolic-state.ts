import { FORMAT } from "@accelc/isa";
import { noPadding, type Padding } from "./bounds.js";

/** Tile loops 0..6, loops inside a tile 7..13, transfer loops 14..30. */
export const LOOPS = 31;
export const FIRST_INNER = 7;
export const FIRST_TRANSFER = 14;

/** One LD_ST word: index of the word, the loop it names, bytes per bank. */
export interface TransferWord {
  readonly address: number;
  readonly loop: number;
  readonly bytes: number;
}

/** Operand formats of a region, by their codes in FORMAT; exponent biases of hfp8; `chunk` (products) matters to minifloats. */
export interface OperandFormats {
  readonly a: number;
  readonly w: number;
  readonly biasA: number;
  readonly biasW: number;
  readonly chunk: number;
}

/** Elements of an operand in a byte of IBUF or WBUF. */
export const perByte = ({ a }: OperandFormats): 1 | 2 | 4 => (a === FORMAT.INT4 ? 2 : a === FORMAT.INT2 ? 4 : 1);

/** Configuration of one systolic region; buffers by code WBUF 0, IBUF 1, OBUF 2, BBUF 3; strides also by LD ST RD WR. */
export interface SystolicState {
  readonly counts: Int32Array;
  readonly reduction: Uint8Array;
  readonly base: Int32Array;
  /** Index: (direction × 4 + buffer) × 31 + loop. */
  readonly stride: Int32Array;
  /** 1 where a stride word named the entry. */
  readonly strideSet: Uint8Array;
  readonly loads: (TransferWord | undefined)[];
  store: TransferWord | undefined;
  format: OperandFormats;
  pack: { readonly run: number; readonly bank: number } | undefined;
  readonly padding: readonly Padding[];
  /** The row of IBUF that row 0 means in this tile. */
  inputRow: number;
}

export const createSystolic = (): SystolicState => ({
  counts: new Int32Array(LOOPS).fill(1),
  reduction: new Uint8Array(LOOPS),
  base: new Int32Array(4),
  stride: new Int32Array(4 * 4 * LOOPS),
  strideSet: new Uint8Array(4 * 4 * LOOPS),
  loads: [undefined, undefined, undefined, undefined],
  store: undefined,
  pack: undefined,
  padding: [noPadding(), noPadding(), noPadding(), noPadding()],
  format: { a: FORMAT.INT8, w: FORMAT.INT8, biasA: 0, biasW: 0, chunk: 1 },
  inputRow: 0,
});

export const strideIndex = (dir: number, buffer: number, loop: number): number => (dir * 4 + buffer) * LOOPS + loop;
