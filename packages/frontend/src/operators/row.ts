import type { Schema, Values } from "../attributes.js";
import type { NodeContext } from "../context.js";

/** Where the operation runs; `folded` rows are computed while compiling and leave no operation. */
export type Unit = "systolic" | "tandem" | "movement" | "folded";

/** One ONNX operator over a range of opsets in which it has one meaning. */
export interface OperatorRow {
  readonly op: string;
  /** "" is the ONNX domain. */
  readonly domain: string;
  readonly since: number;
  /** Last opset of this row; absent: the newest. */
  readonly until?: number;
  readonly unit: Unit;
  /** What is supported of it, for the support table; empty: everything. */
  readonly constraints: string;
  /** Fewest and most inputs, fewest and most outputs. */
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  readonly attributes: Schema;
  /** Adds the node's operations to the graph; rejects by throwing AccelcError. */
  readonly parse: (n: NodeContext, attributes: never) => void;
}

export const MANY = Number.MAX_SAFE_INTEGER;

interface RowText<S extends Schema> {
  readonly op: string;
  readonly domain?: string;
  readonly since: number;
  readonly until?: number;
  readonly unit: Unit;
  readonly constraints?: string;
  readonly inputs: number | readonly [number, number];
  readonly outputs?: readonly [number, number];
  readonly attributes: S;
  readonly parse: (n: NodeContext, attributes: Values<S>) => void;
}

/** Fills in what most rows leave out: ONNX's domain, one output, no constraint. */
export function row<const S extends Schema>(r: RowText<S>): OperatorRow {
  const { inputs, ...rest } = r;
  return {
    domain: "",
    constraints: "",
    outputs: [1, 1],
    ...rest,
    inputs: typeof inputs === "number" ? [inputs, inputs] : inputs,
    parse: r.parse as OperatorRow["parse"],
  };
}
