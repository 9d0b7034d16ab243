import type { GraphBuilder, Loc, ValueId } from "@accelc/ir";
import type { ElementType } from "./element-types.js";
import type { GraphProto } from "./proto.js";
import type { Real } from "./real.js";

/** What the operators of one import share. */
export interface ImportState {
  readonly builder: GraphBuilder;
  /** ONNX tensor name to graph value, for every tensor defined so far. */
  readonly tensors: Map<string, ValueId>;
  /** ONNX element types of the tensors for which the graph's own says less: inputs, initializers, results of Cast. */
  readonly elementTypes: Map<string, ElementType>;
  /** Real numbers that integer values are codes of, for those that quantizers gave. */
  readonly reals: Map<ValueId, Real>;
  /** Every tensor name of the model: derived values stay clear of them. */
  readonly reserved: ReadonlySet<string>;
  /** Tensors that a live node or the graph's outputs read. */
  readonly read: ReadonlySet<string>;
  /** Elements of constants computed so far, in the graphs around as well. */
  readonly computed: { elements: number };
  /** Inside a node's graph, where tensors have names that mean nothing outside. */
  readonly nested: boolean;
  /** Adds the operations of a graph inside a node; the values of its outputs. */
  inline(state: ImportState, g: GraphProto, bound: ReadonlyMap<string, ValueId>, loc: Loc): ValueId[];
}

/** Elements that all constants computed in the graph may hold together (1.5 GiB of float32). */
export const COMPUTED_LIMIT = 3 * 2 ** 27;
