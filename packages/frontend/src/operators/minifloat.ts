import { type MinifloatRounding, packMinifloat, type ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import type { Minifloat } from "../element-types.js";
import { unary } from "./build.js";

/** x rounded to a format of 8 bits or fewer. */
export const roundToMinifloat = (n: NodeContext, x: ValueId, f: Minifloat, r: MinifloatRounding): ValueId =>
  unary(n, "minifloat", x, packMinifloat(f, r));
