/**
 * The block level: what runs as one region of the program, under one tiling, with every buffer placed.
 *
 * Invariants (checked by verifyBlocks):
 * 1. blocks stand in execution order; a block reads tensors that are inputs, constants, or stored by an earlier block;
 * 2. every tile dimension covers its extent: tile * count >= extent, and no tile is empty;
 * 3. buffers of one block that are alive at the same time do not overlap, and all rows lie inside their namespace;
 * 4. two scratchpad sources of one operation lie in different namespaces (the scratchpads are single-ported);
 * 5. storages alive at the same time do not overlap in DRAM; a tensor lies inside its storage, no two rows of it overlap, and
 *    the blocks of weights that a GEMM reads lie inside theirs;
 * 6. nothing is computed, loaded or stored for nobody: a buffer is read by a later operation or stored, a tensor that a
 *    block writes is read by a later block or a graph output;
 * 7. a GEMM whose input is resident reads what an earlier block wrote to IBUF, no GEMM between them.
 */
import type { Layout } from "./layout.js";
import type { OpName } from "./ops.js";
import type { Data, DType, Loc, ValueId } from "./types.js";

export type TensorId = number;

/** A value in DRAM. Several tensors may hold one value under different layouts; free movement shares `storage`. */
export interface DramTensor {
  readonly id: TensorId;
  readonly value: ValueId;
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly bits: number;
  readonly storage: number;
  /** Elements from the start of the storage to the tensor's first. */
  readonly offset: number;
}

/** Bytes in DRAM. `data` is the image of a constant; others live in the activation arena. */
export interface Storage {
  readonly id: number;
  readonly bytes: number;
  readonly data?: Uint8Array;
  /** DRAM byte address. */
  readonly address: number;
  /** First and last block that need it, inclusive; inputs from -1, outputs to the number of blocks. */
  readonly live: readonly [number, number];
}

/** One tiled dimension of a block: `tile` steps at a time, `count` tiles; `before` is its extent ahead of the window. */
export interface TileDim {
  readonly name: string;
  readonly extent: number;
  readonly tile: number;
  readonly count: number;
  readonly before: { readonly extent: number; readonly tile: number; readonly step: number };
}

export type Stage = "before" | "after";
export type VectorNamespace = "OBUF" | "VMEM1" | "VMEM2" | "IBUF";

/**
 * How a buffer's rows hold its elements. `rows`: one row per step of the dimensions. `turned`: row l holds lane l of all
 * those rows, side by side. `packed`: one element per step, side by side, lanes by lanes.
 */
export type BufferForm = "rows" | "turned" | "packed";

/** Rows of a scratchpad that hold one tile of a value. `once`: loaded for the whole block, not per tile. */
export interface TileBuffer {
  readonly id: number;
  readonly label: string;
  readonly stage: Stage;
  readonly form: BufferForm;
  /**
   * Of a turned buffer, the dimension whose steps lie side by side: lanes by lanes of them in a row, such rows for every
   * lane, those for every step of the other dimensions. Without it, all steps lie side by side.
   */
  readonly turn?: number;
  /** Which dimensions of the block the buffer spans; others are broadcast. */
  readonly spans: readonly boolean[];
  readonly once: boolean;
  readonly rows: number;
  readonly namespace: VectorNamespace;
  /** First row, in the half or window of even tiles; in IBUF counted from the first of the next GEMM's input. */
  readonly row: number;
}

/** Bytes per step along each dimension of the block, in a DRAM tensor. */
export interface Access {
  readonly tensor: TensorId;
  readonly offset: number;
  readonly strides: readonly number[];
}

export interface TileLoad {
  readonly buffer: number;
  readonly access: Access;
  readonly fill: number;
  /** Rows in front of the tensor that a window's padding adds along each dimension. */
  readonly lead: readonly number[];
}

export interface TileStore {
  readonly buffer: number;
  /** Of a buffer turned along a dimension, bytes per row of lanes along that one. */
  readonly access: Access;
  /** Of a buffer turned along a dimension, bytes from what was one lane to the next. */
  readonly laneStride?: number;
}

export type Source = { readonly buffer: number } | { readonly immediate: number };

/** Operations of tiles beside those of the graph: the steps of a reduction across lanes. */
export type TileOpName = OpName | "turnLanes" | "foldRows" | "spreadLanes";

/**
 * One operation over a tile. `window` sweeps its kernel over the block's dimensions; a second source of it is a lane mask
 * for the last step along dimension `attrs.laneDim`, whose other lanes count as `attrs.neutral`.
 */
export interface TileOp {
  readonly op: TileOpName;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly stage: Stage;
  readonly sources: readonly Source[];
  readonly dst: number;
  readonly window?: WindowGeometry;
  readonly loc: Loc;
}

/** Kernel extents, strides and dilations per dimension of the block (1 where the window does not reach). */
export interface WindowGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/**
 * The input of the next GEMM, which lies in IBUF from row `row` on, its border included. One buffer is written there: its
 * rows step by `strides` along the dimensions of the block, and so from tile to tile.
 */
export interface NextInput {
  /** As it would be, or is too, in DRAM. */
  readonly tensor: TensorId;
  readonly buffer: number;
  readonly row: number;
  readonly strides: readonly number[];
  /** The byte of the border. */
  readonly fill: number;
}

/** What the Tandem Processor does with one tile. */
export interface VectorPart {
  readonly loads: readonly TileLoad[];
  readonly ops: readonly TileOp[];
  readonly stores: readonly TileStore[];
  readonly buffers: readonly TileBuffer[];
  /** Rows [base, base + rows) of a namespace alternate between even and odd tiles. */
  readonly windows: readonly { readonly namespace: "VMEM1" | "VMEM2"; readonly base: number; readonly rows: number }[];
  readonly next: NextInput | null;
}

/**
 * Element types the array multiplies; they say how many channels a block of `ic` has. Such a block takes `passes` of the
 * array per tap: as many rows of IBUF, and as many blocks of WBUF, ahead of kernel rows and columns.
 */
export interface GemmOperands {
  readonly input: DType;
  readonly weights: DType;
  readonly passes: number;
  /** Null for integers. */
  readonly sum: MinifloatSum | null;
}

/** Exponent biases of input and weights (0 where a type has none), products of a chunk. */
export interface MinifloatSum {
  readonly biases: readonly [input: number, weights: number];
  readonly chunk: number;
}

/** A reduction or kernel dimension of a GEMM: input channels in blocks, kernel rows, kernel columns. */
export interface ReductionDim {
  readonly extent: number;
  readonly tile: number;
  readonly count: number;
}

/**
 * The bytes of a convolution's window in `rows` rows of IBUF: runs of `run` bytes, one per kernel row and, where a run is
 * one pixel, per kernel column.
 */
export interface PackedWindow {
  readonly run: number;
  readonly taps: readonly [rows: number, columns: number];
  readonly rows: number;
}

/**
 * The whole input of a GEMM, padded, in `rows` rows of IBUF from row `row` on: an earlier block wrote it there. `steps` are
 * rows per step along the input's batch, groups, blocks of channels, height and width.
 */
export interface ResidentInput {
  readonly row: number;
  readonly rows: number;
  readonly steps: {
    readonly batch: number;
    readonly group: number;
    readonly ic: number;
    readonly h: number;
    readonly w: number;
  };
}

/** What the systolic array does: output dimensions are those of the block, in order (outer rows …, oc, h, w). */
export interface GemmPart {
  readonly operands: GemmOperands;
  readonly input: Access;
  /** Bytes per step of each dimension through the weights; input blocks follow each other by kernel blocks. */
  readonly weights: Access;
  readonly bias: TensorId | null;
  /** Position of each role among the block's dimensions; -1 where the block has none. */
  readonly roles: {
    /** Blocks of output lanes inside a step of `oc`, innermost; the batch is then tiled one by one. */
    readonly part: number;
    readonly group: number;
    readonly oc: number;
    readonly batch: number;
    readonly h: number;
    readonly w: number;
  };
  readonly ic: ReductionDim & { readonly stride: number };
  readonly kh: ReductionDim;
  readonly kw: ReductionDim;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Padding in front, and the input's extent along h and w. */
  readonly lead: readonly [number, number];
  readonly size: readonly [number, number];
  /** The byte that padding reads as. */
  readonly fill: number;
  /** The input has channels last and is packed; `ic` counts the rows of a window, and `kh` and `kw` are 1. */
  readonly pack: PackedWindow | null;
  /** Null where the input is loaded from DRAM. */
  readonly resident: ResidentInput | null;
}

interface BlockBase {
  readonly id: number;
  readonly name: string;
  /** ONNX nodes it carries out, in order. */
  readonly locs: readonly Loc[];
  /** Stored tensors, complete when the block ends. */
  readonly results: readonly TensorId[];
}

export interface ComputeBlock extends BlockBase {
  readonly kind: "compute";
  readonly dims: readonly TileDim[];
  /** Which dimensions are tiled, outermost first: the order of the tiles. */
  readonly order: readonly number[];
  readonly gemm: GemmPart | null;
  readonly vector: VectorPart;
}

/** One loop of a copy, in elements of the tensors on both sides. */
export interface CopyLoop {
  readonly extent: number;
  readonly src: number;
  readonly dst: number;
}

/** Moves a box of elements between DRAM tensors; `src` null writes the constant `fill`. */
export interface CopyBlock extends BlockBase {
  readonly kind: "copy";
  readonly bits: number;
  readonly src: { readonly tensor: TensorId; readonly offset: number } | null;
  readonly dst: { readonly tensor: TensorId; readonly offset: number };
  readonly loops: readonly CopyLoop[];
  readonly fill: number;
}

/** Copies rows of a table, in the order of a list of int32 row numbers computed at run time; everything is linear. */
export interface LookupBlock extends BlockBase {
  readonly kind: "lookup";
  readonly bits: number;
  readonly table: TensorId;
  readonly indices: TensorId;
  readonly dst: TensorId;
  /** Rows of the table, elements of a row, entries of the list. */
  readonly tableRows: number;
  readonly rowElements: number;
  readonly count: number;
}

export type Block = ComputeBlock | CopyBlock | LookupBlock;

/** A network as blocks: everything code generation needs. */
export interface BlockProgram {
  readonly lanes: number;
  readonly tensors: readonly DramTensor[];
  readonly storages: readonly Storage[];
  readonly blocks: readonly Block[];
  readonly inputs: readonly { readonly name: string; readonly tensor: TensorId; readonly elementType: string }[];
  readonly outputs: readonly { readonly name: string; readonly tensor: TensorId; readonly elementType: string }[];
}

/** Constant data in the order of its tensor's shape. */
export interface ConstantTensor {
  readonly shape: readonly number[];
  readonly data: Data;
}
