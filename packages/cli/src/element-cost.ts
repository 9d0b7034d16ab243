import type { OperatorRow } from "@accelc/frontend";

/** Tandem instructions per output element by operator, as text; an operator that is not here has no measured number. */
const COST: Readonly<Record<string, string>> = {};

/** Undefined where it is not known. Operators of other domains share the number of the ONNX operator of their name. */
export const elementCost = (r: OperatorRow): string | undefined => COST[r.op];
